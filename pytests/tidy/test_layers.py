"""The layer rule of src/ARCHITECTURE.md: who may include whom, and who may name what outside."""

import re

import pytest
from cpp import ROOT, check_all, cpp_files

# module: (the modules that it may include, the kinds of outside headers that it may name)
LAYERS = {
    "base": ("", "libc simd"),
    "http": ("base", "simd"),
    "ws": ("base", "zlib isal nettle simd"),
    "config": ("base", "libc cli"),
    "telemetry": ("base", "libc"),
    "sock": ("base", "libc"),
    "io": ("base", "libc"),
    "net": ("base telemetry http ws sock io", "libc"),
    "py": ("base telemetry", "libc python"),
    "supervisor": ("base telemetry config sock", "libc"),
    "loop": ("base telemetry io py", "libc"),
    "asgi": ("base telemetry http ws net py loop", ""),
    "worker": ("base http ws config telemetry sock io net py loop asgi", "libc"),
    "door": ("config telemetry supervisor loop worker py", "libc"),
}

OUTSIDE = {
    "libc": r"(sys|netinet|arpa|linux|net)/\w+\.h|[a-z]+\.h",
    "python": r"Python\.h|structmember\.h|frameobject\.h|datetime\.h",
    "liburing": r"liburing\.h|liburing/.*",
    "cli": r"CLI/.*",
    "zlib": r"zlib\.h",
    "isal": r"isa-l/igzip_lib\.h",
    "nettle": r"nettle/\w+\.h",
    "simd": r"[etsnpwi]mmintrin\.h|immintrin\.h|arm_neon\.h",  # of the compiler, not of the system
}
STANDARD = r"[a-z_]+"  # the C++ standard library: no dot, no slash

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def module_of(path: str) -> str | None:
    """The row of the table that a file belongs to; ctests are bound by none."""
    if re.fullmatch(r"src/(main|module|doors)\.[ch]pp", path):
        return "door"
    match = re.match(r"(?:include/ringhorn|src)/(\w+)/", path)
    return match and match[1]


def breaches(path: str, text: str) -> list[str]:
    module = module_of(path)
    found = []
    for bracket, header in INCLUDE.findall(text):
        if problem := breach(path, module, bracket, header):
            found.append(f"{path}: #include {header}: {problem}")
    return found


def breach(path: str, module: str | None, bracket: str, header: str) -> str | None:
    if bracket == '"':
        if module and "/" in header:
            return 'write <ringhorn/…> across modules, "x.hpp" within one directory'
        return None
    if module is None:
        return None
    modules, kinds = LAYERS.get(module, ("", ""))
    if match := re.match(r"ringhorn/(\w+)/", header):
        if match[1] != module and match[1] not in modules.split():
            return f"the layer table does not let {module} include {match[1]}"
        return None
    if module == "io" and path.startswith("src/"):
        kinds += " liburing"
    named = ("zlib", "isal", "nettle", "python", "liburing", "simd")
    special = next((kind for kind in named if fits(kind, header)), None)
    allowed = [special] if special else ["cli", "libc"]
    if re.fullmatch(STANDARD, header) or any(
        kind in kinds.split() and fits(kind, header) for kind in allowed
    ):
        return None
    return f"{module} may not name this header"


def fits(kind: str, header: str) -> bool:
    return re.fullmatch(OUTSIDE[kind], header) is not None


def test_includes_keep_to_the_layer_table():
    check_all(cpp_files(), breaches)


def test_every_module_has_a_row():
    modules = {
        path.name
        for top in ("src", "include/ringhorn")
        for path in (ROOT / top).iterdir()
        if path.is_dir() and path.name not in ("python", "__pycache__")
    }
    assert modules <= LAYERS.keys()


def test_table_has_no_cycle():
    def below(module, seen=()):
        assert module not in seen, f"cycle through {module}"
        return [below(lower, (*seen, module)) for lower in LAYERS[module][0].split()]

    for module in LAYERS:
        below(module)


@pytest.mark.parametrize(
    "path, include",
    [
        ("src/http/head.cpp", "<ringhorn/net/exchange.hpp>"),
        ("include/ringhorn/base/slice.hpp", "<ringhorn/io/send.hpp>"),
        ("src/http/head.cpp", "<unistd.h>"),
        ("src/http/head.cpp", "<Python.h>"),
        ("src/net/server.cpp", "<emmintrin.h>"),
        ("src/net/server.cpp", "<zlib.h>"),
        ("src/http/head.cpp", "<nettle/sha1.h>"),
        ("src/asgi/scope.cpp", "<Python.h>"),
        ("src/net/server.cpp", "<liburing.h>"),
        ("include/ringhorn/io/driver.hpp", "<liburing.h>"),
        ("src/net/server.cpp", "<CLI/CLI.hpp>"),
        ("src/worker/worker.cpp", "<ringhorn/supervisor/spawn.hpp>"),
        ("src/main.cpp", "<ringhorn/net/server.hpp>"),
        ("src/net/server.cpp", '"http/head.hpp"'),
        ("src/unheard/of.cpp", "<ringhorn/base/slice.hpp>"),
    ],
)
def test_layer_rule_refuses_a_breach(path, include):
    assert len(breaches(path, f"#pragma once\n  #include {include}\n")) == 1


@pytest.mark.parametrize(
    "path, include",
    [
        ("src/net/server.cpp", "<ringhorn/http/head.hpp>"),
        ("src/net/server.cpp", '"listener.hpp"'),
        ("src/io/uring.cpp", "<liburing.h>"),
        ("include/ringhorn/py/python.hpp", "<Python.h>"),
        ("src/http/head.cpp", "<string_view>"),
        ("src/http/scan.hpp", "<emmintrin.h>"),
        ("src/ws/handshake.cpp", "<nettle/sha1.h>"),
        ("ctests/http/head_test.cpp", '"support/catch.hpp"'),
    ],
)
def test_layer_rule_accepts_what_the_table_allows(path, include):
    assert breaches(path, f"#include {include}\n") == []
