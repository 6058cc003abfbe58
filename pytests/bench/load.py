"""The load: one wrk thread on a core of its own, with a script that sends a row's exact bytes."""

import json
import subprocess
from dataclasses import dataclass

# wrk asks `wrk.format` once for a script without a global `request`, and then repeats those
# bytes without entering Lua again; it counts the requests in them by parsing them itself.
SCRIPT = """\
function init(args)
  local file = assert(io.open(%(request)s, "rb"))
  local bytes = file:read("*a")
  file:close()
  wrk.format = function() return bytes end
end

function done(summary, latency, requests)
  local e = summary.errors
  local form = '{"requests":%%d,"seconds":%%.6f,"p50_us":%%d,"p99_us":%%d,"connect":%%d,' ..
    '"read":%%d,"write":%%d,"status":%%d,"timeout":%%d}'
  io.write(string.format("\\nRESULT " .. form .. "\\n", summary.requests,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.connect, e.read, e.write, e.status, e.timeout))
end
"""


class LoadError(Exception):
    """wrk could not run or gave no result."""


@dataclass
class Load:
    requests: int
    seconds: float
    p50_us: int
    p99_us: int
    errors: dict


def write_script(row, folder):
    request = folder / f"{row.key}.request"
    request.write_bytes(row.request)
    script = folder / f"{row.key}.lua"
    script.write_text(SCRIPT % {"request": json.dumps(str(request))})
    return script


def run_wrk(row, port, seconds, folder, core=1):
    command = ["taskset", "-c", str(core), "wrk", "-t1", "-c", str(row.connections)]
    command += ["-d", f"{seconds}s", "--timeout", "10s", "-s", str(write_script(row, folder))]
    command.append(f"http://127.0.0.1:{port}/")
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadError(f"wrk: {error}") from error
    for line in ended.stdout.splitlines():
        if line.startswith("RESULT "):
            return read_result(json.loads(line[len("RESULT ") :]))
    raise LoadError(f"wrk gave no result: {(ended.stderr or ended.stdout).strip()[-200:]}")


def read_result(result):
    names = ("connect", "read", "write", "status", "timeout")
    errors = {name: result[name] for name in names if result[name]}
    return Load(
        result["requests"], result["seconds"], result["p50_us"], result["p99_us"], errors
    )
