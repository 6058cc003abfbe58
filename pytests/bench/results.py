"""The samples of a run, and what follows from them: best, median, limit, ratios, targets.

Nothing here measures or prints; `report` and `picture` read it, and its JSON form is what is
kept.
"""

from dataclasses import dataclass, field
from statistics import median

from measure import BUSY_ENOUGH, Sample
from rows import ROWS
from servers import PACKAGES

LIMIT_PARTS = ("floor", "application")


@dataclass
class Results:
    """samples[row key][server name] is a list with one Sample per round."""

    machine: dict
    method: dict
    versions: dict
    samples: dict = field(default_factory=dict)

    def add(self, row, name, sample):
        self.samples.setdefault(row.key, {}).setdefault(name, []).append(sample)

    def good(self, key, name):
        return [one for one in self.samples.get(key, {}).get(name, ()) if not one.error]

    def error(self, key, name):
        """Why the server has no figure on the row; empty when it has one."""
        if self.good(key, name):
            return ""
        return next((one.error for one in self.samples.get(key, {}).get(name, ())), "not measured")

    def best(self, key, name):
        """The cheapest round's CPU µs per request (bytes per connection on the idle row)."""
        return min((one.value for one in self.good(key, name)), default=None)

    def median(self, key, name, attribute="value"):
        values = [getattr(one, attribute) for one in self.good(key, name)]
        values = [value for value in values if value is not None]
        return median(values) if values else None

    def servers(self, key):
        return [name for name in self.samples.get(key, {}) if name not in LIMIT_PARTS]

    def limit(self, key):
        parts = [self.best(key, name) for name in LIMIT_PARTS]
        return sum(parts) if all(part is not None for part in parts) else None

    def best_peer(self, key):
        """(name, value) of the cheapest peer on the row, or None."""
        peers = [(self.best(key, name), name) for name in self.servers(key) if name in PACKAGES]
        peers = [pair for pair in peers if pair[0] is not None]
        return tuple(reversed(min(peers))) if peers else None

    def ratio(self, key, name, to):
        """`name` as a multiple of the limit, of the best peer or of a server; None if unknown."""
        own = self.best(key, name)
        if to == "limit":
            other = self.limit(key)
        elif to == "best peer":
            other = (self.best_peer(key) or (None, None))[1]
        else:
            other = self.best(key, to)
        return own / other if own is not None and other else None

    def client_limited(self, key, name):
        busy = self.median(key, name, "busy")
        return busy is not None and busy < BUSY_ENOUGH

    def load_errors(self, key, name):
        total = {}
        for sample in self.good(key, name):
            for kind, count in sample.errors.items():
                total[kind] = total.get(kind, 0) + count
        return total

    def spread(self, key):
        """|A/A - 1| of the two equal columns, when the run had them."""
        ratio = self.ratio(key, "ringhorn", "ringhorn-again")
        return None if ratio is None else abs(ratio - 1)

    def targets(self):
        """(row key, what, measured, at most, met) for each target that the run can judge."""
        for key in self.samples:
            row = ROWS[key]
            found = []
            if row.limit_target:
                found.append(("x limit", self.ratio(key, "ringhorn", "limit"), row.limit_target))
            found.append(("x best peer", self.ratio(key, "ringhorn", "best peer"), row.peer_target))
            if row.idle_connections:
                found.append(("bytes", self.best(key, "ringhorn"), row.idle_bytes_max))
            for what, value, at_most in found:
                if value is not None:
                    yield key, what, value, at_most, value <= at_most

    def as_json(self):
        rows = {}
        for key in self.samples:
            servers = {}
            for name, samples in self.samples[key].items():
                servers[name] = {"rounds": [one.as_json() for one in samples]}
                servers[name] |= self.summary(key, name)
            row = {"title": ROWS[key].title, "connections": ROWS[key].connections}
            rows[key] = {**row, "limit_cpu_us": self.limit(key), "servers": servers}
        head = {"machine": self.machine, "method": self.method, "versions": self.versions}
        return {**head, "rows": rows}

    def summary(self, key, name):
        figures = {"best": self.best(key, name), "median": self.median(key, name)}
        for attribute in ("rps", "p50_us", "p99_us", "busy", "syscalls"):
            figures[f"median_{attribute}"] = self.median(key, name, attribute)
        for to in ("limit", "best peer", "uvicorn"):
            figures[f"ratio to {to}"] = self.ratio(key, name, to)
        figures["client_limited"] = self.client_limited(key, name)
        return {label: value for label, value in figures.items() if value is not None}


def from_json(content):
    """The Results that `as_json` wrote, so that tables and pictures can be drawn again."""
    results = Results(content["machine"], content["method"], content["versions"])
    for key, row in content["rows"].items():
        for name, server in row["servers"].items():
            for sample in server["rounds"]:
                results.add(ROWS[key], name, Sample(**sample))
    return results
