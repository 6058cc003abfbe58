"""The README's table of options says what `ringhorn --help` says."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"

# `  --name VALUE  Meaning. [default: 1; RINGHORN_NAME]`, wrapped over lines that begin far right.
ENTRY = re.compile(r"^  (\S+(?: \S+)*)((?: {2,}.*|\n {10,}.*)*)$", re.MULTILINE)
NOTE = re.compile(r" \[(?:default: (.*); )?RINGHORN_\w+\]$")

HELP = """Usage

Times:
  --wait / --no-wait SECONDS
                        How long it
                        waits. [default: 5;
                        RINGHORN_WAIT]
  --help  Show this text.
"""
TABLE = """| option | default | meaning |
| --- | --- | --- |
| `--wait / --no-wait SECONDS` | 5 | How long it waits. |
| `--help` | | Show this text. |
"""


def rows_of_help(text: str) -> list[tuple[str, str, str]]:
    """(names, default, meaning) of each option."""
    rows = []
    for names, rest in ENTRY.findall(text):
        meaning = " ".join(rest.split())
        note = NOTE.search(meaning)
        rows.append((names, (note and note[1]) or "", NOTE.sub("", meaning)))
    return rows


def rows_of_table(text: str) -> list[tuple[str, str, str]]:
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines()]
    cells = [[cell.strip().strip("`").replace("\\|", "|") for cell in row] for row in rows if row]
    return [tuple(row) for row in cells[2:]]


def table_of(rows: list[tuple[str, str, str]]) -> str:
    """The table for the README."""
    lines = ["| option | default | meaning |", "| --- | --- | --- |"]
    for names, default, meaning in rows:
        escaped = names.replace("|", "\\|")
        lines.append(f"| `{escaped}` | {default} | {meaning} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def test_readme_lists_the_options_of_the_help(door):
    done = door.run("--help")
    assert done.returncode == 0
    in_help = rows_of_help(done.stdout)
    in_readme = rows_of_table(README.read_text().partition("## Options")[2].partition("\n## ")[0])
    assert len(in_help) > 25
    assert in_readme == in_help, "this belongs there:\n" + table_of(in_help)


def test_comparison_reads_both_forms():
    assert rows_of_help(HELP) == rows_of_table(TABLE)
    assert table_of(rows_of_help(HELP)) == TABLE
    assert rows_of_help(HELP.replace("5;", "6;")) != rows_of_table(TABLE)
