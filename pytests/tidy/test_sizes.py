"""Sizes: signs to look at, with a limit where looking has not helped."""

import re

import pytest
from cpp import check_all, cpp_files, python_files, scan

FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100
PROJECT_INCLUDES_MAX = 16


def file_breaches(path: str, text: str) -> list[str]:
    lines = text.splitlines()
    limit = TEST_FILE_LINES_MAX if path.startswith(("ctests", "pytests")) else FILE_LINES_MAX
    found = []
    if len(lines) > limit:
        found.append(f"{path}: {len(lines)} lines, limit {limit}: which type wants its own file?")
    found += [
        f"{path}:{number}: {len(line)} columns, limit {COLUMNS_MAX}"
        for number, line in enumerate(lines, 1)
        if len(line) > COLUMNS_MAX
    ]
    includes = len(re.findall(r"^\s*#\s*include\s*<ringhorn/", text, re.MULTILINE))
    if includes > PROJECT_INCLUDES_MAX:
        found.append(f"{path}: includes {includes} headers of ours, limit {PROJECT_INCLUDES_MAX}")
    return found


# Tables may be long: rows that end in a comma, and a switch that only maps values.
TABLE_ROW = re.compile(r",[ \t]*$", re.MULTILINE)
SWITCH_ROWS = re.compile(r"(?:\s*case [^:;]+(?:::[^:;]+)*:)+\s*return [^;{}]+;")


def function_breaches(path: str, text: str) -> list[str]:
    found = []
    for function in scan(text)[0]:
        rows = sum(row.count("\n") for row in SWITCH_ROWS.findall(function.body))
        rows += len(TABLE_ROW.findall(function.body))
        if function.length - rows > FUNCTION_LINES_MAX:
            where = f"{path}:{function.line}"
            found.append(f"{where}: {function.length} lines, limit {FUNCTION_LINES_MAX}")
    return found


def test_files_keep_to_the_limits():
    check_all(cpp_files() + python_files(), file_breaches)


def test_functions_keep_to_the_limit():
    check_all(cpp_files(), function_breaches)


@pytest.mark.parametrize(
    "path, text",
    [
        ("src/net/server.cpp", "\n" * 401),
        ("ctests/net/server_test.cpp", "\n" * 601),
        ("src/net/server.cpp", "x" * 101),
        ("src/net/server.cpp", "#include <ringhorn/base/slice.hpp>\n" * 17),
    ],
)
def test_file_limits_refuse_a_breach(path, text):
    assert len(file_breaches(path, text)) == 1


BODY = "  x();\n" * 70


@pytest.mark.parametrize(
    "text",
    [
        f"namespace a {{\nint f(int x) {{\n{BODY}}}\n}}\n",
        f"struct A : B {{\n  A(int x) noexcept : x_{{x}}, y_(2) {{\n{BODY}}}\n}};\n",
        f"auto f(Options o = {{}}) -> int {{\n{BODY}}}\n",
        f'TEST_CASE("a brace {{ in a string", "[a]") {{\n{BODY}}}\n',
        f"void f() {{\n  auto g = [&] {{\n{BODY}  }};\n}}\n",
    ],
)
def test_function_limit_refuses_a_breach(text):
    assert len(function_breaches("a.cpp", text)) == 1


def test_function_limit_lets_long_tables_and_types_be():
    table = "constexpr Row rows[] = {\n" + '  {"a", f(1)},\n' * 90 + "};\n"
    switch = (
        "int f(int x) {\n  switch (x) {\n" + "    case A::b:\n      return 1;\n" * 90 + "  }\n}\n"
    )
    local = "void f() {\n  const Case cases[] = {\n" + "    {1, 2},\n" * 90 + "  };\n}\n"
    type_ = "class A {\n" + "  int f() { return 1; }\n" * 90 + "};\n"
    assert function_breaches("a.cpp", table + switch + local + type_) == []
