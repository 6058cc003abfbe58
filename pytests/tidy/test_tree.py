"""The tree: what may lie where, that nothing is dead, and that each header stands alone."""

import os
import re
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor

import pytest
from cpp import ROOT, check_all, files, name, refuse

TOP = {
    "src", "include", "ctests", "pytests", "packaging", ".ci", "meson.build", "meson_options.txt",
    "pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", ".clang-format",
    ".clang-tidy", ".gitignore", ".gitorderfile", ".gitattributes", ".editorconfig",
    ".pre-commit-config.yaml",
}  # fmt: skip
# Seeds of fuzzers are bytes: they may be called anything.
EXTENSIONS = {
    "include": {".hpp"},
    "src": {".cpp", ".hpp", ".build", ".md", ".py", ".pyi", ".typed"},
    "ctests": {".cpp", ".hpp", ".build", ".dict", ".md", ".json", ".py"},
    "pytests": {
        ".py", ".txt", ".html", ".js", ".md", ".json", ".svg", ".png", ".ini", ".cfg", ".pth",
    },
    "packaging": {"", ".sh", ".py", ".txt", ".md", ".service", ".socket", ".1"},
    ".ci": {""},
}
SEEDS = re.compile(r"ctests/fuzz/.+/.+")
BYTES_MAX = 256 * 1024

BUILT = ("src/", "ctests/")
HEADERS = files(".hpp", under="include") + files(".hpp", under="src")


def misplaced(path: str) -> str | None:
    top, _, rest = path.partition("/")
    if top not in TOP:
        return f"{path}: only {sorted(TOP)} at the top"
    if rest.endswith("/.gitignore"):
        return None
    if rest and os.path.splitext(path)[1] not in EXTENSIONS[top] and not SEEDS.match(path):
        return f"{path}: not a kind of file for {top}"
    return None


def twins(paths: list[str]) -> list[str]:
    """pytest imports each test file as a module of its bare name."""
    first: dict[str, str] = {}
    named = [(path.rpartition("/")[2], path) for path in paths]
    return [
        f"{path}: {first[leaf]} has this name already"
        for leaf, path in named
        if leaf.startswith("test_") and first.setdefault(leaf, path) != path
    ]


def unopened(path: str, text: str) -> list[str]:
    if re.match(r"(///.*\n)+#pragma once\n", text):
        return []
    return [f"{path}: open with a `///` paragraph (what it is, who calls it), then #pragma once"]


def unbuilt(path: str, meson: str) -> list[str]:
    """A name may be put together from two: `foreach name : ['head']`, `name + '_test.cpp'`."""
    leaf = path.rpartition("/")[2]
    quoted = {word.rpartition("/")[2] for word in re.findall(r"'([\w./]+)'", meson)}
    endings = quoted | {"", ".cpp", ".py"}
    if any(leaf.startswith(word) and leaf[len(word) :] in endings for word in quoted if word):
        return []
    return [f"{path}: no meson.build names it"]


def meson_for(path) -> str:
    """What could name this file: the meson.build files from its directory upwards."""
    directories = [parent for parent in path.parents if parent.is_relative_to(ROOT)]
    return "\n".join(
        (parent / "meson.build").read_text()
        for parent in directories
        if (parent / "meson.build").exists()
    )


def test_every_file_is_in_its_place():
    refuse([problem for path in files() if (problem := misplaced(name(path)))])


def test_no_two_test_files_have_one_name():
    refuse(twins([name(path) for path in files(".py", under="pytests")]))


def test_no_file_is_large():
    refuse([name(path) for path in files() if path.stat().st_size > BYTES_MAX])


def test_headers_open_with_what_they_are():
    check_all(HEADERS, unopened)


def test_every_source_is_built():
    sources = [path for path in files(".cpp", ".py", ".typed") if name(path).startswith(BUILT)]
    refuse([problem for path in sources for problem in unbuilt(name(path), meson_for(path))])


def test_scripts_can_be_executed():
    scripts = [ROOT / "packaging/serve", ROOT / "packaging/test", ROOT / ".ci/run"]
    refuse([name(path) for path in scripts if not os.access(path, os.X_OK)])


def test_changelog_tells_of_this_version():
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "\n## [Unreleased]\n" in changelog or f"\n## [{version}]" in changelog


def compile_alone(header: str, directory=ROOT / "include") -> str:
    """What the compiler says of a source that includes nothing but this header."""
    directories = [directory, ROOT / "include", sysconfig.get_path("include")]
    command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-x", "c++", "-"]
    source = f'#include "{header}"\n' * 2
    done = subprocess.run(
        command + [f"-I{directory}" for directory in directories],
        input=source,
        capture_output=True,
        text=True,
    )
    return done.stderr


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ here")
@pytest.mark.timeout(300)
def test_every_header_compiles_alone():
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        said = pool.map(lambda path: compile_alone(str(path), path.parent), HEADERS)
    refuse([text for text in said if text])


@pytest.mark.parametrize("path", ["notes.txt", "scripts/run.sh", "src/net/a.cc", "include/a.cpp"])
def test_place_rule_refuses_a_breach(path):
    assert misplaced(path)


def test_twin_rule_refuses_a_breach():
    assert twins(["pytests/a/test_x.py", "pytests/b/test_x.py"])
    assert not twins(["pytests/a/test_x.py", "pytests/a/test_y.py", "pytests/b/__init__.py"])


def test_opening_rule_refuses_a_breach():
    assert unopened("a.hpp", "#pragma once\n/// Late.\n")
    assert unopened("a.hpp", "// Not a document comment.\n#pragma once\n")
    assert unopened("a.hpp", "/// A thing.\n")
    assert not unopened("a.hpp", "/// A thing.\n#pragma once\n")


def test_built_rule_refuses_a_breach():
    assert unbuilt("src/net/dead.cpp", "files('server.cpp', 'undead.cpp')")
    assert not unbuilt("src/net/server.cpp", "files('server.cpp')")
    assert not unbuilt("ctests/http/head_test.cpp", "foreach name : ['head_test']")
    assert not unbuilt("ctests/http/head_test.cpp", "foreach x : ['head']; x + '_test.cpp'")


def test_alone_rule_refuses_a_breach(tmp_path):
    (tmp_path / "needy.hpp").write_text("#pragma once\nstd::string s();\n")
    assert "string" in compile_alone("needy.hpp", tmp_path)
