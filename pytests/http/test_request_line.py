"""The request line and its target: RFC 9112 §2 and §3, robustness 1 to 9."""

import pytest
from support.checks import check_accepted, check_refused, request, show
from support.holds import holds, row

HOST = "Host: test"


def line(text: str | bytes, *fields: str) -> bytes:
    return request(text, HOST, *fields)


BAD_LINES = [
    row("robustness_01", "bare LF ends the line", b"GET / HTTP/1.1\nHost: test\r\n\r\n"),
    row("robustness_01", "bare LF everywhere", b"GET / HTTP/1.1\nHost: test\n\n"),
    row("robustness_01", "bare LF ends a field", b"GET / HTTP/1.1\r\nHost: test\nX: 1\r\n\r\n"),
    row("robustness_01", "bare LF ends the head", b"GET / HTTP/1.1\r\nHost: test\r\n\n"),
    row("robustness_01", "bare CR in the line", b"GET /\r HTTP/1.1\r\nHost: test\r\n\r\n"),
    row("robustness_01", "bare CR ends a field", b"GET / HTTP/1.1\r\nHost: test\rX: 1\r\n\r\n"),
    row("robustness_01", "CR CR LF", b"GET / HTTP/1.1\r\r\nHost: test\r\n\r\n"),
    row("robustness_02", "many empty lines", b"\r\n" * 100 + line("GET / HTTP/1.1")),
    row("robustness_02", "a leading LF", b"\n" + line("GET / HTTP/1.1")),
    row("robustness_02", "a leading space", b" " + line("GET / HTTP/1.1")),
    row("robustness_02", "a leading line of white space", b" \r\n" + line("GET / HTTP/1.1")),
    row("robustness_02", "a leading NUL", b"\0" + line("GET / HTTP/1.1")),
    row("robustness_02", "a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    row("robustness_03", "two spaces before the target", line("GET  / HTTP/1.1")),
    row("robustness_03", "two spaces before the version", line("GET /  HTTP/1.1")),
    row("robustness_03", "a tab", line("GET\t/ HTTP/1.1")),
    row("robustness_03", "a tab before the version", line("GET /\tHTTP/1.1")),
    row("robustness_03", "no target", line("GET HTTP/1.1")),
    row("robustness_03", "an empty target", line("GET  HTTP/1.1")),
    row("robustness_03", "no slash in the version", line("GET / HTTP1.1")),
    row("robustness_03", "a fourth part", line("GET / HTTP/1.1 x")),
    row("robustness_03", "method only", line("GET")),
    row("robustness_04", "a method with a question mark", line("G?T / HTTP/1.1")),
    row("robustness_04", "an empty method", line(" / HTTP/1.1")),
    row("robustness_04", "a method of 33 bytes", line("M" * 33 + " / HTTP/1.1")),
    row("robustness_04", "a method of 1000 bytes", line("M" * 1000 + " / HTTP/1.1")),
    row("robustness_04", "a method beyond ASCII", line("G\xc9T / HTTP/1.1")),
    row("robustness_05", "a lower-case protocol", line("GET / http/1.1")),
    row("robustness_05", "HTTP/01.1", line("GET / HTTP/01.1")),
    row("robustness_05", "HTTP/1", line("GET / HTTP/1")),
    row("robustness_05", "HTTP/1.", line("GET / HTTP/1.")),
    row("robustness_05", "HTTP/1.10", line("GET / HTTP/1.10")),
    row("robustness_05", "a space behind the version", line("GET / HTTP/1.1 ")),
    row("robustness_05", "another protocol", line("GET / HTTPS/1.1")),
    row("robustness_05", "HTTP/0.9", b"GET /\r\n"),
    row("robustness_05", "HTTP/0.9 with fields", line("GET /")),
    row("robustness_06", "no leading slash", line("GET foo HTTP/1.1")),
    row("robustness_06", "user information", line("GET @google.com HTTP/1.1")),
    row("robustness_06", "an exclamation mark", line("GET ! HTTP/1.1")),
    row("robustness_06", "a query only", line("GET ?a=b HTTP/1.1")),
    row("robustness_06", "asterisk with GET", line("GET * HTTP/1.1")),
    row("robustness_06", "authority-form with GET", line("GET test:80 HTTP/1.1")),
    row("robustness_06", "origin-form with CONNECT", line("CONNECT / HTTP/1.1")),
    row("robustness_06", "absolute-form, other authority", line("GET http://else/ HTTP/1.1")),
    row("robustness_06", "absolute-form, no authority", line("GET http:///x HTTP/1.1")),
    row("robustness_06", "absolute-form, user information", line("GET http://a@test/ HTTP/1.1")),
    row("robustness_07", "NUL", line("GET /\0 HTTP/1.1")),
    row("robustness_07", "BEL", line("GET /\a HTTP/1.1")),
    row("robustness_07", "DEL", line("GET /\x7f HTTP/1.1")),
    row("robustness_07", "ESC in the query", line("GET /?\x1b HTTP/1.1")),
    row("robustness_07", "a raw byte 80", line(b"GET /\x80 HTTP/1.1")),
    row("robustness_07", "raw UTF-8", line("GET /é HTTP/1.1".encode())),
    row("robustness_07", "a raw byte FF in the query", line(b"GET /?\xff HTTP/1.1")),
    row("robustness_07", "a fragment", line("GET /a#b HTTP/1.1")),
    row("robustness_07", "a fragment in the query", line("GET /?a#b HTTP/1.1")),
]


@pytest.mark.parametrize("data", BAD_LINES)
def test_request_line_that_is_wrong_gets_400(server, data):
    check_refused(server, data)


@pytest.mark.parametrize(
    "data",
    [
        row("robustness_05", "HTTP/2.0", line("GET / HTTP/2.0")),
        row("robustness_05", "HTTP/3.0", line("GET / HTTP/3.0")),
        row("robustness_05", "HTTP/0.9 spelled out", line("GET / HTTP/0.9")),
        row("robustness_05", "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ],
)
def test_another_major_version_gets_505(server, data):
    check_refused(server, data, 505)


@holds("robustness_05")
def test_http_1_2_is_served_as_1_1_or_gets_505(server):
    with server.connect() as connection:
        connection.send(line("GET /scope HTTP/1.2"))
        response = connection.read_response()
    assert response.status in (200, 505)
    if response.status == 200:
        assert show(response)["http_version"] == "1.1"


@pytest.mark.parametrize("count", [1, 2])
@holds("robustness_02")
def test_a_few_leading_empty_lines_are_skipped(server, count):
    check_accepted(server, b"\r\n" * count + line("GET /hello HTTP/1.1"))


@holds("robustness_02")
def test_empty_line_after_a_body_is_skipped(server):
    """Old browsers send CRLF after a POST (RFC 9112 §2.2)."""
    with server.connect() as connection:
        connection.send(request("POST /echo HTTP/1.1", HOST, "Content-Length: 2", body=b"ab\r\n"))
        assert connection.read_response().body == b"ab"
        connection.get("/hello")
        assert connection.read_response().body == b"hello"


@pytest.mark.parametrize(
    "method",
    [
        row("robustness_04", "lower case", "get"),
        row("robustness_04", "every tchar", "!#$%&'*+-.^_`|~09Az"),
        row("robustness_04", "32 bytes", "M" * 32),
        row("robustness_04", "an unknown one", "BREW"),
        row("robustness_04", "the beginning of one", "POS"),
        row("robustness_04", "one in mixed case", "Post"),
        *(row("robustness_04", name, name) for name in ("POST", "PUT", "DELETE", "OPTIONS")),
        row("robustness_04", "PATCH", "PATCH"),
    ],
)
def test_method_is_any_token_in_upper_case_for_the_app(server, method):
    """asgi_20 says so; that `get` is no GET (RFC 9110 §9.1) shows in its log line only."""
    scope = show(check_accepted(server, line(f"{method} /scope HTTP/1.1")))
    assert scope["method"] == method.upper()


@pytest.mark.parametrize(
    "target, host, path, query",
    [
        row("robustness_06", "origin-form", "/scope?a=b", "test", "/scope", "a=b"),
        row("robustness_06", "absolute-form", "http://test/scope?a", "test", "/scope", "a"),
        row("robustness_06", "absolute-form, port", "http://t:1/scope", "t:1", "/scope", ""),
        row("robustness_06", "absolute-form, case", "HTTP://TEST/scope", "test", "/scope", ""),
        row("robustness_06", "absolute-form, no path", "http://test", "test", "/", ""),
        row("robustness_06", "absolute-form, query only", "http://test?a", "test", "/", "a"),
        row("lesson_21", "at sign in the path", "/@scope", "test", "/@scope", ""),
        row("lesson_21", "a URL in the path", "/a://b/c", "test", "/a://b/c", ""),
        row("lesson_21", "a URL in the query", "/x?u=http://a@b/", "test", "/x", "u=http://a@b/"),
        row("robustness_06", "two slashes", "//scope", "test", "//scope", ""),
        row("robustness_06", "dots stay", "/a/../b/./c", "test", "/a/../b/./c", ""),
        row("robustness_06", "two question marks", "/a?b?c", "test", "/a", "b?c"),
    ],
)
def test_target_becomes_path_and_query(server, target, host, path, query):
    data = request(f"GET {target} HTTP/1.1", f"Host: {host}")
    scope = show(check_accepted(server, data))
    assert scope["path"] == path
    assert scope["query_string"] == {"bytes": query}


@holds("robustness_06")
def test_authority_of_absolute_form_is_the_host(server):
    """RFC 9112 §3.2.2: it overrides Host; here both must be equal, so it is that one."""
    data = request("GET http://test/scope HTTP/1.1", HOST)
    headers = show(check_accepted(server, data))["headers"]
    assert headers == [[{"bytes": "host"}, {"bytes": "test"}]]


@holds("robustness_06")
def test_connect_takes_authority_form_only(server):
    """The server is no proxy: the application may answer, nothing tunnels."""
    with server.connect() as connection:
        connection.send(request("CONNECT test:443 HTTP/1.1", "Host: test:443"))
        response = connection.read_response()
    assert response.status in (200, 400, 405, 501)


@pytest.mark.parametrize(
    "target, path",
    [
        row("robustness_08", "an encoded slash", "/a%2Fb", "/a/b"),
        row("robustness_08", "UTF-8", "/%C3%A9", "/é"),
        row("robustness_08", "four bytes of UTF-8", "/%f0%9f%90%8e", "/\U0001f40e"),
        row("robustness_08", "a percent sign", "/%25", "/%"),
        row("robustness_08", "decoded once", "/%2541", "/%41"),
        row("robustness_08", "NUL", "/%00", "/\0"),
        row("robustness_08", "CR LF", "/%0d%0aX:1", "/\r\nX:1"),
        row("robustness_08", "a plus sign", "/a+b", "/a+b"),
    ],
)
def test_percent_encoding_is_decoded_in_path_only(server, target, path):
    scope = show(check_accepted(server, line(f"GET {target} HTTP/1.1")))
    assert scope["path"] == path
    assert scope["raw_path"] == {"bytes": target}


@pytest.mark.parametrize(
    "target",
    [
        row("robustness_08", "a lone lead byte", "/%c0"),
        row("robustness_08", "FF", "/%ff%fe"),
        row("robustness_08", "an overlong slash", "/%c0%af"),
        row("robustness_08", "a surrogate", "/%ed%a0%80"),
        row("lesson_22", "not UTF-8 in the middle", "/a%80b"),
    ],
)
def test_path_that_is_not_utf_8_reaches_the_app_replaced(server, target):
    """As uvicorn's `unquote`: U+FFFD; the bytes are in raw_path."""
    scope = show(check_accepted(server, line(f"GET {target} HTTP/1.1")))
    assert "\ufffd" in scope["path"]
    assert scope["raw_path"] == {"bytes": target}


@pytest.mark.parametrize("target", ["/%", "/%4", "/%zz", "/%%20", "/a%2"])
@holds("robustness_08")
def test_percent_without_two_digits_stays_as_it_is(server, target):
    with server.connect() as connection:
        connection.send(line(f"GET {target} HTTP/1.1"))
        response = connection.read_response()
    assert response.status in (200, 400)
    if response.status == 200:
        assert show(response)["raw_path"] == {"bytes": target}


@holds("robustness_08")
def test_encoded_line_end_splits_no_log_line(server):
    mark = server.mark_stdout()
    server.get("/x%0d%0aINFO:%20forged")
    found = server.wait_for_output(r"GET /x(\S*) HTTP", since=mark)
    assert "\r" not in found.group(1)
    server.get("/hello")
    server.wait_for_output(r"GET /hello", since=mark)
    assert not [text for text in server.stdout_lines(mark) if text.startswith("INFO: forged")]


@holds("robustness_09")
def test_url_of_4_kib_works(server):
    scope = show(check_accepted(server, line("GET /" + "a" * 4095 + " HTTP/1.1")))
    assert len(scope["path"]) == 4096


@holds("robustness_09")
def test_request_line_of_the_limit_works_and_one_more_gets_414(server):
    fits = "/" + "a" * (8190 - len("GET / HTTP/1.1"))
    check_accepted(server, line(f"GET {fits} HTTP/1.1"))
    check_refused(server, line(f"GET {fits}a HTTP/1.1"), 414)


@holds("robustness_09")
def test_endless_request_line_gets_414_before_it_ends(server):
    with server.connect() as connection:
        connection.send(b"GET /" + b"a" * 20000)
        response = connection.read_response()
        assert response.status == 414
        assert response.says_close
        connection.expect_close()


@holds("robustness_09")
def test_request_line_limit_is_an_option(shared):
    server = shared("raw:app", "--limit-request-line", "100")
    fits = "/" + "a" * (100 - len("GET / HTTP/1.1"))
    check_accepted(server, line(f"GET {fits} HTTP/1.1"))
    check_refused(server, line(f"GET {fits}a HTTP/1.1"), 414)
