"""What the tidy tests read: the files of the tree, and C++ without comments and strings."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What tools leave behind; .gitignore names the same.
LEFTOVERS = {".git", "dist", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"}

_LEXEME = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | R"(?P<fence>[^(\s]*)\( .*? \)(?P=fence)"
  | "(?:\\.|[^"\\\n])*"
  | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'
    """,
    re.VERBOSE | re.DOTALL,
)


def files(*suffixes: str, under: str = "") -> list[Path]:
    """The files of the tree with one of these suffixes (all of them without any)."""
    found = []
    pending = [ROOT / under]
    while pending:
        for path in pending.pop().iterdir():
            if path.name in LEFTOVERS or path.name.startswith((".build", "build")):
                continue
            if path.is_dir():
                pending.append(path)
            elif not suffixes or path.suffix in suffixes:
                found.append(path)
    return sorted(found)


def cpp_files() -> list[Path]:
    tops = ("include", "src", "ctests")
    return [path for top in tops for path in files(".hpp", ".cpp", under=top)]


def python_files() -> list[Path]:
    return (
        files(".py", under="src") + files(".py", under="pytests") + files(".py", under="packaging")
    )


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blank(text: str) -> str:
    """The same text with comments and the contents of strings blanked; lines keep their numbers."""

    def empty(match: re.Match) -> str:
        lines = re.sub(r"[^\n]", " ", match.group())
        return lines if match["comment"] else '""' + lines[2:]

    return _LEXEME.sub(empty, text)


def refuse(problems: list[str]) -> None:
    __tracebackhide__ = True
    assert not problems, "\n" + "\n".join(problems)


def check_all(paths: list[Path], check) -> None:
    """Fails with everything that `check(path, text)` finds in these files."""
    __tracebackhide__ = True
    refuse([problem for path in paths for problem in check(name(path), path.read_text())])


def comments(text: str) -> list[tuple[int, str]]:
    """(line number, text) of each comment."""
    return [
        (text.count("\n", 0, match.start()) + 1, match["comment"])
        for match in _LEXEME.finditer(text)
        if match["comment"]
    ]


@dataclass
class Function:
    head: str
    line: int
    length: int
    body: str


_SCOPE = re.compile(
    r"^(?:template\b.*?>\s*)?(?:inline\s+)?"
    r"(?:namespace|class|struct|union|enum|extern)\b",
    re.DOTALL,
)
_MEMBER_INITIALISER = re.compile(r"\)[^()]*(?<!:):(?!:).*[\w>]$", re.DOTALL)


def scan(text: str) -> tuple[list[Function], list[tuple[int, str]]]:
    """The functions of a source, and the (line, statement) pairs outside of functions and types.

    It only counts braces and looks at what stands before them, which is enough for formatted code.
    """
    code = re.sub(
        r"^[ \t]*#(?:[^\n\\]|\\.)*",
        lambda m: re.sub(r"[^\n]", " ", m.group()),
        blank(text),
        flags=re.MULTILINE | re.DOTALL,
    )
    functions: list[Function] = []
    statements: list[tuple[int, str]] = []
    stack: list[tuple[str, int]] = []  # what each open brace is, and where its head begins
    begin = parentheses = 0
    for at, character in enumerate(code):
        kinds = {kind for kind, _ in stack}
        if character in "()":
            parentheses += 1 if character == "(" else -1
        elif character == "{":
            kind = _kind(code[begin:at].strip(), kinds, parentheses)
            stack.append((kind, begin))
            if kind != "value":
                begin = at + 1
        elif character == "}":
            kind, head = stack.pop()
            if kind == "function":
                functions.append(_function(code, head, at))
            begin = head if kind == "value" else at + 1
        elif character == ";" and parentheses == 0:
            if kinds <= {"namespace"}:
                statement = code[begin:at].strip()
                statements.append((_line(code, at - len(code[begin:at].lstrip())), statement))
            begin = at + 1
    return functions, statements


def _kind(head: str, enclosing: set[str], parentheses: int) -> str:
    if "function" in enclosing:
        return "block"
    if parentheses or "value" in enclosing or _MEMBER_INITIALISER.search(head):
        return "value"
    while (flat := re.sub(r"\([^()]+\)|operator\s*[^\s\w(]+", "()", head)) != head:
        head = flat
    if re.match(r"(?:inline\s+)?namespace\b|extern\s*\"", head):
        return "namespace"
    if _SCOPE.match(head) and not re.search(r"[=]", head):
        return "type"
    if ")" in head and not re.search(r"[^=!<>]=[^=]*$", head):
        return "function"
    return "value"


def _function(code: str, begin: int, end: int) -> Function:
    text = code[begin : end + 1]
    start = begin + len(text) - len(text.lstrip())
    head, _, body = code[start : end + 1].partition("{")
    first, last = _line(code, start), _line(code, end)
    return Function(" ".join(head.split()), first, last - first + 1, body)


def _line(code: str, at: int) -> int:
    return code.count("\n", 0, at) + 1
