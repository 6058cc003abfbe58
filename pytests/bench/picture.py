"""The picture for the README: CPU time per request as bars, drawn as plain SVG.

It carries its own colours for a light and a dark page and needs no font, script or library.
Rows differ by orders of magnitude, so each has a scale of its own and every bar its figure.
"""

from html import escape

from report import number
from rows import ROWS

PICTURED = ("hello64", "headers", "pipelined", "echo10k", "sleep", "starlette", "fastapi")
WIDTH, LABEL, BAR, GAP = 760, 150, 15, 5
HEAD, TITLE, FOOT = 64, 26, 30
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .head { font-size: 16px; font-weight: 600; } .title { font-weight: 600; }
  .note { fill: #57606a; font-size: 11px; }
  .own { fill: #b5482a; } .peer { fill: #8c959f; } .limit { stroke: #24292f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #9198a1; }
    .own { fill: #f0805f; } .peer { fill: #656c76; } .limit { stroke: #e6edf3; }
  }"""


def text(x, y, content, kind="", anchor="start"):
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(content)}</text>'


def bars_of(results, key):
    found = [(results.best(key, name), name) for name in results.servers(key)]
    return sorted(pair for pair in found if pair[0] is not None and pair[1] != "ringhorn-again")


def draw_row(results, key, top):
    bars = bars_of(results, key)
    scale = (WIDTH - LABEL - 80) / max(value for value, _ in bars)
    drawn = [text(16, top + 16, ROWS[key].title, "title")]
    y = top + TITLE
    for value, name in bars:
        length = max(1, value * scale)
        kind = "own" if name.startswith("ringhorn") else "peer"
        drawn.append(text(LABEL - 8, y + 12, name, anchor="end"))
        drawn.append(
            f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" class="{kind}"/>'
        )
        drawn.append(text(round(LABEL + length + 6, 1), y + 12, number(value)))
        y += BAR + GAP
    if limit := results.limit(key):
        x = round(LABEL + limit * scale, 1)
        drawn.append(
            f'<line x1="{x}" x2="{x}" y1="{top + TITLE - 3}" y2="{y - GAP + 3}" class="limit" '
            'stroke-width="1.5" stroke-dasharray="3 2"/>'
        )
    return drawn, y + 10


def svg(results, keys=PICTURED):
    """The picture, or None when none of the rows has been measured."""
    keys = [key for key in keys if key in results.samples and bars_of(results, key)]
    if not keys:
        return None
    y = HEAD
    body = []
    for key in keys:
        drawn, y = draw_row(results, key, y)
        body += drawn
    date = results.machine["date"][:10]
    head = [
        text(16, 26, "CPU time per request, µs (less is better)", "head"),
        text(16, 46, "dashed: the limit, a bare C++ responder plus the application itself", "note"),
    ]
    about = f"{date}, {results.machine['cpu']}, Linux {results.machine['kernel']}, one worker"
    foot = [text(16, y + 14, about, "note")]
    height = y + FOOT
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="CPU time per request">'
    )
    return "\n".join([opening, f"<style>{STYLE}\n</style>", *head, *body, *foot, "</svg>\n"])
