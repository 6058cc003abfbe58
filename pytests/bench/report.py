"""The run as text: a table of every row and server for the terminal, a small one for the README."""

from rows import ROWS

QUIET_LOAD = 0.5
HEADINGS = ("CPU us", "median", "req/s", "p50 us", "p99 us", "xlimit", "xbest", "xuvicorn", "busy")


def number(value, digits=1):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}f}"


def ratio(value):
    return "-" if value is None else f"{value:.2f}"


def percent(value):
    return "-" if value is None else f"{value * 100:.0f}%"


def notes(results, key, name):
    found = []
    if results.client_limited(key, name):
        found.append("*")
    if syscalls := results.median(key, name, "syscalls"):
        found.append(f"{syscalls:.2f} system calls")
    if errors := results.load_errors(key, name):
        found.append("errors: " + ", ".join(f"{count} {kind}" for kind, count in errors.items()))
    return " ".join(found)


def server_cells(results, key, name):
    idle = ROWS[key].idle_connections
    return [
        number(results.best(key, name), 0 if idle else 2),
        number(results.median(key, name), 0 if idle else 2),
        number(results.median(key, name, "rps"), 0),
        number(results.median(key, name, "p50_us"), 0),
        number(results.median(key, name, "p99_us"), 0),
        ratio(results.ratio(key, name, "limit")),
        ratio(results.ratio(key, name, "best peer")),
        ratio(results.ratio(key, name, "uvicorn")),
        percent(results.median(key, name, "busy")),
    ]


def limit_line(results, key):
    floor, application = (results.best(key, name) for name in ("floor", "application"))
    if floor is None and application is None:
        reasons = {results.error(key, part) for part in ("floor", "application")}
        return "no limit" if reasons == {"not measured"} else f"no limit ({'; '.join(reasons)})"
    return (
        f"limit {number(results.limit(key), 2)} = floor {number(floor, 2)}"
        f" + application {number(application, 2)}"
    )


def row_lines(results, key):
    yield f"{ROWS[key].title}  [{key}; {ROWS[key].unit}; {limit_line(results, key)}]"
    for name in results.servers(key):
        if error := results.error(key, name):
            yield f"  {name:<20}{error}"
            continue
        cells = "".join(f"{cell:>10}" for cell in server_cells(results, key, name))
        yield f"  {name:<20}{cells}  {notes(results, key, name)}".rstrip()
    if (spread := results.spread(key)) is not None:
        yield f"  A/A spread {percent(spread)}"
    yield ""


def head_lines(results):
    for name, value in {**results.machine, **results.method}.items():
        if name != "instructions":
            yield f"{name}: {value}"
    yield "versions: " + ", ".join(f"{name} {value}" for name, value in results.versions.items())
    yield ""
    yield f"  {'':<20}" + "".join(f"{heading:>10}" for heading in HEADINGS)


def tail_lines(results):
    if results.machine.get("load_average_at_start", 0) > QUIET_LOAD:
        yield "THE MACHINE WAS BUSY when the run began: these figures are not worth keeping."
    yield "CPU us is the best round's; req/s, p50 and p99 are medians of the rounds."
    yield "*: the server's core was less than 95 % busy: the client or waiting set the pace;"
    yield "   compare the CPU time."
    for name, counts in results.method.get("instructions", {}).items():
        for key, count in counts.items():
            text = number(count, 0) if isinstance(count, (int, float)) else count
            yield f"user instructions per request, {name}, {ROWS[key].title}: {text}"
    targets = list(results.targets())
    if targets:
        yield ""
        yield "targets:"
    for key, what, value, at_most, met in targets:
        yield f"  {'met   ' if met else 'MISSED'} {key:<24}{value:10.2f} {what} (at most {at_most})"


def text_table(results):
    lines = list(head_lines(results))
    for key in results.samples:
        lines += row_lines(results, key)
    return "\n".join([*lines, *tail_lines(results)])


def markdown_table(results):
    """One line per row, one column per server: the best CPU µs, for the README."""
    names = list(dict.fromkeys(name for key in results.samples for name in results.servers(key)))
    lines = ["| CPU µs per request or message | limit | " + " | ".join(names) + " |"]
    lines.append("| --- |" + " ---: |" * (len(names) + 1))
    for key in results.samples:
        idle = ROWS[key].idle_connections
        cells = [number(results.best(key, name), 0 if idle else 1) for name in names]
        limit = number(results.limit(key))
        lines.append(f"| {ROWS[key].title} | {limit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
