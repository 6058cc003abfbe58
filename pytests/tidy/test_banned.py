"""Words that the tree does without, each with what stands in for it."""

import re
from dataclasses import dataclass

import pytest
from cpp import blank, check_all, comments, cpp_files, files, python_files, scan

SHIPPED = r"(src|include)/.*pp$"
CPP = r".*pp$"
TESTS = r"pytests/"
NOWHERE = r"(?!)"


@dataclass
class Ban:
    pattern: str
    instead: str
    where: str = SHIPPED
    but: str = NOWHERE  # the files in which it is at home


BANS = [
    Ban(
        r"\b(f|v|vf|d)?printf\b|\bputs\b|std::c(out|err|log)\b",
        "telemetry/log",
        but=r"src/base/assert\.cpp|src/(main|module|doors)\.cpp",
    ),
    Ban(r"\bv?sn?printf\b|\bstd::[oi]?stringstream\b", "std::to_chars, or appending to a string"),
    Ban(
        r"\b(secure_)?getenv\b|\benviron\b",
        "config::parse, which is given the environment",
        but=r"src/config/|src/py/interpreter\.cpp|src/(main|module|doors)\.cpp",
    ),
    Ban(r"\bPyGILState_\w+", "py/gil", but=r"(src|include/ringhorn)/py/"),
    Ban(r"\bstd::regex\b", "a parser of its own: std::regex is slow and has no limits"),
    Ban(r"\b(malloc|calloc|realloc|free)\s*\(", "ByteBuffer or unique_ptr", but=r"src/base/"),
    Ban(r"(?<![({])\bnew\s+[\w:]+", "std::make_unique, a pool, or an owner in the same line"),
    Ban(r"\bstd::(shared_ptr|make_shared)\b", "one owner: unique_ptr or an intrusive list"),
    Ban(
        r"\bthrow\b|\bcatch\b(?! \(const std::bad_alloc&\))",
        "base::Result; only config meets a library that throws",
        but=r"src/config/|src/base/byte_buffer\.cpp",
    ),
    Ban(r"(?<![\w:.])assert\s*\(", "RINGHORN_ASSERT, which stays on"),
    Ban(r"\busing\s+namespace\b", "names written out"),
    Ban(r"\bgoto\b", "a function with early returns"),
    Ban(r"\bstd::(jthread|thread|mutex)\b", "the one thread of the loop"),
    Ban(
        r"\b(u|nano)?sleep\s*\(|\bsleep_(for|until)\b",
        "a timer, or waiting for the event",
        where=CPP,
    ),
    Ban(
        r"\bget_[a-z_]+\s*\([^;{]*\)\s*(const\s*)?(noexcept\s*)?[;{]",
        "the noun: size(), not get_size()",
        where=r"include/",
    ),
    Ban(
        r"\btime\.sleep\b",
        "waiting for a line, a byte or an exit",
        where=TESTS,
        but=r"pytests/(apps|bench)/",
    ),
    Ban(r"\bshell=True\b", "a list of arguments", where=TESTS),
]


def banned_words(path: str, text: str) -> list[str]:
    code = re.sub(r"#.*", "", text) if path.endswith(".py") else blank(text)
    bans = [ban for ban in BANS if re.match(ban.where, path) and not re.match(ban.but, path)]
    return [
        f"{path}:{number}: `{match.group().strip()}`; instead: {ban.instead}"
        for number, line in enumerate(code.splitlines(), 1)
        for ban in bans
        if (match := re.search(ban.pattern, line))
    ]


UNNUMBERED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))")


def unnumbered(path: str, text: str) -> list[str]:
    return [
        f"{path}:{number}: {match.group()} without an issue: write {match.group()}(#12) or do it"
        for number, line in enumerate(text.splitlines(), 1)
        if (match := UNNUMBERED.search(line))
    ]


CODE_IN_CPP = re.compile(
    r"""^(?:/\*|//)\s*(?:
        [\w:<>.&*\->\[\]\s]+\((?:[^()]|\([^()]*\))*\)\s*(?:const|noexcept|\s)*[;{]  # a call, a head
      | (?:[\w:<>&*]+\s+)?[\w.\->\[\]]+\s*[-+|&]?=\s[^=].*;                        # an assignment
      | \#\s*(?:include|define|if|ifdef|endif)\b.*
      | (?:return|break|continue|using|public|private)\b[^.]*[;:]
      | [{}]+;?
    )\s*(?:\*/)?$""",
    re.VERBOSE,
)
CODE_IN_PYTHON = re.compile(
    r"""^\s*\#\s*(?:
        (?:import\s+[\w.]+|from\s+[\w.]+\s+import\s+[\w, ]+)
      | (?:async\s+)?(?:def|class)\s+\w+.*:
      | (?:await\s+)?[\w.]+\([^)]*\)
      | (?:if|for|while|with|elif|try|else)\b.*:
      | [\w.\[\]]+\s*=\s\S.*
      | return\b.*\)
    )$""",
    re.VERBOSE,
)


def commented_out(path: str, text: str) -> list[str]:
    if path.endswith(".py"):
        lines = enumerate(text.splitlines(), 1)
        return [f"{path}:{n}: {line.strip()}" for n, line in lines if CODE_IN_PYTHON.match(line)]
    return [f"{path}:{n}: {line}" for n, line in comments(text) if CODE_IN_CPP.match(line)]


# The tables that CPython's interface takes as pointers to non-const.
OF_THE_INTERPRETER = (
    r"\bPy(MethodDef|ModuleDef|ModuleDef_Slot|MemberDef|GetSetDef|Type_Slot|Type_Spec|TypeObject)\b"
)
NO_VARIABLE = re.compile(
    r"^(using|typedef|template|friend|static_assert|extern|namespace|class|struct|enum|union"
    r"|\[\[|RINGHORN_\w+)\b|^$|\b(const|constexpr)\b|" + OF_THE_INTERPRETER
)
VARIABLE = re.compile(
    r"^(?:(?:static|inline|thread_local|constinit)\s+)*[\w:]+(?:<.*>)?[\s*&]+\w+\s*(\[.*?\])*"
    r"\s*([={].*)?$",
    re.DOTALL,
)
LOCAL_STATIC = re.compile(r"(?:^|[;{}])\s*((?:static|thread_local)\s+(?!_?assert)[^;(={]*)[;={(]")


def mutable_globals(path: str, text: str) -> list[str]:
    functions, statements = scan(text)
    found = [
        f"{path}:{line}: `{statement.splitlines()[0]}`: state hangs on the Worker"
        for line, statement in statements
        if not NO_VARIABLE.search(statement) and VARIABLE.match(statement)
    ]
    for function in functions:
        for match in LOCAL_STATIC.finditer(function.body):
            if not re.search(OF_THE_INTERPRETER + r"|\bconst\b", match[1]):
                found.append(f"{path}: static `{match[1].strip()}` in {function.head}: as above")
    return found


def outside_tidy(paths):
    """The tidy tests quote what they refuse."""
    return [path for path in paths if "tidy" not in path.parts]


CODE = outside_tidy(cpp_files() + python_files())


def test_sources_have_no_banned_word():
    check_all(CODE, banned_words)


def test_sources_have_no_commented_out_code():
    check_all(CODE, commented_out)


def test_what_is_left_to_do_has_an_issue():
    texts = files(".hpp", ".cpp", ".py", ".build", ".sh", ".toml", ".html")
    check_all(outside_tidy(texts), unnumbered)


def test_sources_have_no_mutable_global():
    shipped = [path for path in cpp_files() if "ctests" not in path.parts]
    check_all(shipped, mutable_globals)


@pytest.mark.parametrize(
    "path, line",
    [
        ("src/net/a.cpp", 'std::printf("x");'),
        ("src/net/a.cpp", "std::cerr << 1;"),
        ("src/net/a.cpp", 'snprintf(b, 1, "x");'),
        ("src/net/a.cpp", 'auto x = std::getenv("HOME");'),
        ("src/asgi/a.cpp", "auto s = PyGILState_Ensure();"),
        ("include/ringhorn/http/a.hpp", "std::regex r;"),
        ("src/net/a.cpp", "auto* p = malloc(3);"),
        ("src/net/a.cpp", "auto* p = new Connection(1);"),
        ("src/net/a.cpp", "std::shared_ptr<int> p;"),
        ("src/net/a.cpp", "throw 1;"),
        ("src/net/a.cpp", "} catch (...) {"),
        ("src/net/a.cpp", "assert(x);"),
        ("src/net/a.cpp", "using namespace std;"),
        ("src/net/a.cpp", "goto end;"),
        ("src/net/a.cpp", "std::mutex m;"),
        ("ctests/net/a.cpp", "std::this_thread::sleep_for(1s);"),
        ("include/ringhorn/net/a.hpp", "int get_size() const;"),
        ("pytests/http/test_a.py", "time.sleep(1)"),
        ("pytests/http/test_a.py", "run(x, shell=True)"),
    ],
)
def test_ban_refuses_a_breach(path, line):
    assert len(banned_words(path, line)) == 1


def test_every_ban_has_a_breach_that_shows_it():
    breaches = next(m for m in test_ban_refuses_a_breach.pytestmark if m.name == "parametrize")
    for ban in BANS:
        assert any(re.search(ban.pattern, line) for _, line in breaches.args[1]), ban.pattern


@pytest.mark.parametrize(
    "path, line",
    [
        ("src/net/a.cpp", "// printf( is what others use"),
        ("src/net/a.cpp", 'log.info("goto printf(");'),
        ("src/net/a.cpp", "return std::unique_ptr<A>(new A(1));"),
        ("src/net/a.cpp", "static_assert(x);"),
        ("src/config/a.cpp", "getenv(name)"),
        ("src/net/a.cpp", "} catch (const std::bad_alloc&) {"),
        ("pytests/apps/a.py", "time.sleep(1)"),
    ],
)
def test_ban_lets_other_lines_be(path, line):
    assert banned_words(path, line) == []


@pytest.mark.parametrize("line", ["// TODO: later", "# FIXME", "/// XXX", "// TODO(ann): x"])
def test_unnumbered_rule_refuses_a_breach(line):
    assert len(unnumbered("a.cpp", line)) == 1
    assert unnumbered("a.cpp", "// TODO(#12): with RFC 9112") == []


@pytest.mark.parametrize(
    "path, line",
    [
        ("a.cpp", "// connection.close();"),
        ("a.cpp", "  // if (x > 1) {"),
        ("a.cpp", "// int x = 3;"),
        ("a.cpp", "// #include <string>"),
        ("a.cpp", "// return false;"),
        ("a.cpp", "// }"),
        ("a.py", "    # import os"),
        ("a.py", "# server.stop()"),
        ("a.py", "# x = 3"),
        ("a.py", "# if x:"),
        ("a.py", "# def f(x):"),
    ],
)
def test_commented_out_rule_refuses_a_breach(path, line):
    assert len(commented_out(path, line)) == 1


@pytest.mark.parametrize(
    "path, line",
    [
        ("a.cpp", "// The peer may close first (RFC 9112 §9.6), and the bytes wait;"),
        ("a.cpp", "/// Calls finish(), once."),
        ("a.cpp", "int x = 3;  // three, as measured"),
        ("a.py", "# The peer closes first; the server answers."),
        ("a.py", "# 12: a request line of 8190 bytes"),
    ],
)
def test_commented_out_rule_lets_prose_be(path, line):
    assert commented_out(path, line) == []


@pytest.mark.parametrize(
    "text",
    [
        "int count = 0;",
        "namespace a {\nnamespace {\nstd::vector<int> all;\n}\n}",
        "static Log* current;",
        "thread_local int depth{0};",
        "std::atomic<bool> stopped{false};",
        "int f() {\n  static int calls = 0;\n  return ++calls;\n}",
        "void f() { static std::string cache; }",
    ],
)
def test_global_rule_refuses_a_breach(text):
    assert len(mutable_globals("a.cpp", text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "constexpr int limit = 3;",
        'namespace a {\nconst char* const names[] = {"a"};\n}',
        "int f(int x);",
        "static PyMethodDef methods[] = {{nullptr}};",
        "struct A { int x = 0; };",
        "int f() { static const auto table = make(); int x = 0; return x; }",
        "int A::f() const { return x_; }",
        "enum class Level { one, two };",
        "template <class T> T f();",
        "using Name = std::string;",
    ],
)
def test_global_rule_lets_the_rest_be(text):
    assert mutable_globals("a.cpp", text) == []
