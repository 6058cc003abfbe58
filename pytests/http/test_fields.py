"""Header fields: RFC 9110 §5, RFC 9112 §5, robustness 10 to 18."""

import time

import pytest
from support.checks import check_accepted, check_refused, request, show, still_serves
from support.holds import holds, row
from support.patience import seconds

LINE = "GET /scope HTTP/1.1"
HOST = "Host: test"


def fields(*lines: str | bytes) -> bytes:
    return request(LINE, HOST, *lines)


def headers_of(response) -> list[tuple[str, str]]:
    pairs = show(response)["headers"]
    return [(name["bytes"], value["bytes"]) for name, value in pairs]


BAD_NAMES = [
    row("robustness_10", "an empty name", fields(": x")),
    row("robustness_10", "a space before the colon", fields("Name : x")),
    row("robustness_10", "a tab before the colon", fields("Name\t: x")),
    row("robustness_10", "a space in the name", fields("Na me: x")),
    row("robustness_10", "no colon", fields("Name")),
    row("robustness_10", "white space first", request(LINE, " Name: x", HOST)),
    row("robustness_10", "a NUL in the name", fields("Na\0me: x")),
    row("robustness_10", "beyond ASCII", fields("N\xe9: x")),
    row("robustness_10", "UTF-8", fields("Né: x".encode())),
    row("robustness_10", "a control", fields("Na\x01me: x")),
    row("robustness_10", "a bare CR in the name", fields("Na\rme: x")),
    *(
        row("robustness_10", f"0x{ord(sign):02x}", fields(f"N{sign}: x"))
        for sign in '"(),/;<=>?@[]{}\\'
    ),
]
BAD_VALUES = [
    *(
        row("robustness_11", f"0x{code:02x}", fields(f"Name: a{chr(code)}b"))
        for code in (0, 1, 7, 8, 0x0B, 0x0C, 0x0D, 0x1B, 0x7F)
    ),
    row("robustness_11", "VT at the end", fields("Name: a\x0b")),
    row("robustness_11", "FF at the start", fields("Name: \x0ca")),
    row("robustness_12", "a folded line", fields("Name: a", " b")),
    row("robustness_12", "folded with a tab", fields("Name: a", "\tb")),
    row("robustness_12", "a folded coding", fields("Transfer-Encoding:", " chunked")),
]
BAD_HOSTS = [
    row("robustness_13", "none", request(LINE)),
    row("robustness_13", "none but fields", request(LINE, "X: 1")),
    row("robustness_13", "two", request(LINE, HOST, "Host: other")),
    row("robustness_13", "two equal", request(LINE, HOST, HOST)),
    row("robustness_13", "empty", request(LINE, "Host:")),
    row("robustness_13", "white space", request(LINE, "Host:   ")),
    *(
        row("robustness_13", name, request(LINE, f"Host: {value}"))
        for name, value in {
            "user information": "a@test",
            "a path": "test/path",
            "a query": "test?x",
            "a list": "test, other",
            "a space": "te st",
            "a word as port": "test:http",
            "a port too large": "test:65536",
            "a negative port": "test:-1",
            "two ports": "test:1:2",
            "a broken bracket": "[::1",
            "no brackets": "::1",
            "a bad address": "[::g]",
            "behind the bracket": "[::1]x",
            "a backslash": "te\\st",
            "angle brackets": "<test>",
            "a bad escape": "te%zzst",
            "beyond ASCII": "t\xe9st",
        }.items()
    ),
]


@pytest.mark.parametrize("data", [*BAD_NAMES, *BAD_VALUES, *BAD_HOSTS])
def test_field_that_is_wrong_gets_400(server, data):
    check_refused(server, data)


@pytest.mark.parametrize(
    "data",
    [
        row("robustness_14", "two", fields("Content-Type: a/b", "Content-Type: c/d")),
        row("robustness_14", "two equal", fields("Content-Type: a/b", "content-type: a/b")),
    ],
)
def test_second_content_type_gets_400(server, data):
    check_refused(server, data)


@pytest.mark.parametrize(
    "host",
    [
        row("robustness_13", "a name", "example.com"),
        row("robustness_13", "a port", "example.com:8000"),
        row("robustness_13", "an empty port", "example.com:"),
        row("robustness_13", "sub-delims", "a=b"),
        row("robustness_13", "all sub-delims", "!$&'()*+;="),
        row("robustness_13", "an underscore", "my_service"),
        row("robustness_13", "an escape", "a%20b"),
        row("robustness_13", "IPv4", "127.0.0.1:80"),
        row("robustness_13", "IPv6", "[::1]"),
        row("robustness_13", "IPv6 and port", "[2001:db8::1]:8000"),
    ],
)
def test_host_that_the_grammar_allows_is_served(server, host):
    response = check_accepted(server, request(LINE, f"Host: {host}"))
    assert headers_of(response) == [("host", host)]


@holds("robustness_13")
def test_http_1_0_needs_no_host(server):
    response = server.request(request("GET /scope HTTP/1.0"))
    assert headers_of(response) == []


@pytest.mark.parametrize(
    "sent, value",
    [
        row("robustness_11", "spaces and tabs around", "Name: \t a b \t ", "a b"),
        row("robustness_11", "no space", "Name:a", "a"),
        row("robustness_11", "empty", "Name:", ""),
        row("robustness_11", "white space only", "Name: \t ", ""),
        row("robustness_11", "a tab inside", "Name: a\tb", "a\tb"),
        row("robustness_11", "NEL stays", "Name: \x85a\x85", "\x85a\x85"),
        row("robustness_11", "NBSP stays", "Name: \xa0a\xa0", "\xa0a\xa0"),
        row("lesson_22", "not UTF-8", "Cookie: \xff\xfe=\x80", "\xff\xfe=\x80"),
        row("robustness_11", "colons", "Name: a:b: c", "a:b: c"),
        row("robustness_11", "quotes", 'Name: "a\\"b"', '"a\\"b"'),
    ],
)
def test_value_is_stripped_of_spaces_and_tabs_only(server, sent, value):
    name = sent.partition(":")[0].lower()
    response = check_accepted(server, fields(sent))
    assert headers_of(response) == [("host", "test"), (name, value)]


@holds("robustness_14", "robustness_17", "asgi_27", "asgi_28", "asgi_31", "lesson_20")
def test_fields_reach_the_app_in_order_never_merged(server):
    sent = ["X-A: 1", "Cookie: a=1", "x_a: 2", "COOKIE: b=2", "X-a: 3", "X-Forwarded-For: 1.1.1.1"]
    sent += ["X-Forwarded-For: 2.2.2.2", "X-Value-Case: MiXeD"]
    assert headers_of(check_accepted(server, fields(*sent))) == [
        ("host", "test"),
        ("x-a", "1"),
        ("cookie", "a=1"),
        ("x_a", "2"),
        ("cookie", "b=2"),
        ("x-a", "3"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2"),
        ("x-value-case", "MiXeD"),
    ]


@holds("asgi_27", "asgi_16")
def test_fields_that_are_sent_again_are_those_of_their_request(server):
    """Also when they differ in a letter, in its case, or in who sends them."""
    usual = ["X-A: one", "Cookie: user=1"]
    others = [["X-A: one", "Cookie: user=2"], ["X-A: ONE", "Cookie: user=1"], ["X-A: one"], []]
    with server.connect() as one, server.connect() as other:
        for sent in [*[usual] * 5, *(each for each in others for _ in range(4)), usual, usual]:
            for connection, host in ((one, "Host: a"), (other, "Host: b")):
                connection.send(request("GET /scope HTTP/1.1", host, *sent))
                expected = [tuple(line.split(": ")) for line in (host, *sent)]
                found = headers_of(connection.read_response())
                assert found == [(name.lower(), value) for name, value in expected]


@holds("robustness_10")
def test_every_tchar_may_be_in_a_name(server):
    name = "!#$%&'*+-.^_`|~09Az"
    assert headers_of(check_accepted(server, fields(f"{name}: 1")))[1] == (name.lower(), "1")


@holds("robustness_15")
def test_100_fields_are_served_and_101_get_431(server):
    check_accepted(server, fields(*(f"X-{number}: 1" for number in range(99))))
    check_refused(server, fields(*(f"X-{number}: 1" for number in range(100))), 431)


@holds("robustness_15")
def test_field_line_over_16_kib_gets_431(server):
    check_accepted(server, fields("X: " + "a" * 16000))
    check_refused(server, fields("X: " + "a" * 16384), 431)


@holds("robustness_15")
def test_head_over_64_kib_gets_431(server):
    check_accepted(server, fields(*("X: " + "a" * 10000 for _ in range(6))))
    check_refused(server, fields(*("X: " + "a" * 10000 for _ in range(7))), 431)


@pytest.mark.parametrize(
    "piece",
    [
        row("robustness_15", "one endless value", b"a" * 4096),
        row("robustness_15", "endless fields", b"X: 1\r\n" * 512),
        row("robustness_15", "endless names", b"x" * 1024 + b": 1\r\n"),
    ],
)
def test_head_without_an_end_gets_431_when_the_limit_is_reached(server, piece):
    with server.connect() as connection:
        connection.send(request(LINE, HOST)[:-2], b"X: ")
        sent = 0
        while sent < 1 << 20 and not connection.wait_readable(0):
            connection.send(piece)
            sent += len(piece)
        response = connection.read_response()
        assert response.status == 431
        assert response.says_close
        connection.expect_close()


@holds("robustness_15")
def test_limits_of_the_head_are_options(shared):
    server = shared(
        "raw:app",
        *("--limit-header-count", "3"),
        *("--limit-header-size", "300"),
        *("--limit-header-field-size", "200"),
    )
    check_accepted(server, fields("A: 1", "B: 1"))
    check_refused(server, fields("A: 1", "B: 1", "C: 1"), 431)
    check_refused(server, fields("A: " + "a" * 200), 431)
    check_refused(server, fields("A: " + "a" * 160, "B: " + "b" * 160), 431)


@pytest.mark.slow
@holds("robustness_15")
def test_64_kib_of_fields_byte_by_byte_cost_linear_time(server):
    """A scan from the start at each byte would take 2 · 10⁹ steps."""
    data = fields(*(f"X-{number}: " + "a" * 1000 for number in range(60)))
    used = show(server.get("/process"))["cpu"]
    with server.connect(timeout=20) as connection:
        connection.send_byte_by_byte(data)
        assert connection.read_response().status == 200
    assert show(server.get("/process"))["cpu"] - used < seconds(2.5)


@pytest.mark.parametrize(
    "data",
    [
        row("robustness_16", "CR LF CR X", request(LINE, HOST)[:-2] + b"\rX"),
        row("robustness_16", "CR LF CR LF torn by X", request(LINE, HOST)[:-2] + b"\rX\n\r\n"),
        row("robustness_16", "CR CR", request(LINE, HOST)[:-2] + b"\r\r\n\r\n"),
        row("robustness_16", "an empty field", fields(":", "X-Behind: 1")),
    ],
)
def test_only_an_empty_line_ends_the_head(server, data):
    check_refused(server, data)


@holds("robustness_16")
def test_field_without_a_value_does_not_end_the_head(server):
    response = check_accepted(server, fields("Empty:", "Behind: 1"))
    assert headers_of(response)[1:] == [("empty", ""), ("behind", "1")]


@holds("robustness_18", "lesson_20")
def test_forwarded_fields_change_nothing_in_the_scope(server):
    """Nobody is trusted as long as no option says who is."""
    sent = ("X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "Forwarded: for=9.9.9.9")
    with server.connect() as connection:
        connection.send(fields(*sent))
        scope = show(connection.read_response())
        assert scope["scheme"] == "http"
        assert scope["client"] == ["127.0.0.1", connection.local_port]
        still_serves(connection)


@holds("robustness_18")
def test_proxy_protocol_line_is_no_request(server):
    check_refused(server, b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + fields())


@holds("robustness_15")
def test_head_split_at_every_byte_is_the_same_request(server):
    data = fields("Name: value", "Connection: close")
    started = time.monotonic()
    with server.connect() as connection:
        connection.send_byte_by_byte(data)
        response = connection.read_response()
    assert headers_of(response)[1:] == [("name", "value"), ("connection", "close")]
    assert time.monotonic() - started < seconds(5)
