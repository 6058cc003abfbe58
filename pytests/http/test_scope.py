"""The HTTP scope: asgi 1 to 35, lessons 9, 13, 21; decisions (c) on path and root_path."""

import json

import pytest
from support.checks import await_note, check_accepted, fresh_id, request, show
from support.holds import holds, row

HOST = "Host: test"
ROOT = ("--root-path", "/api")


def scope_of(server, line: str, *fields: str) -> dict:
    with server.connect() as connection:
        connection.send(request(f"{line}", *(fields or (HOST,))))
        return show(connection.read_response())


@holds(
    "asgi_01",
    "asgi_04",
    "asgi_17",
    "asgi_19",
    "asgi_20",
    "asgi_21",
    "asgi_22",
    "asgi_24",
    "asgi_25",
    "asgi_26",
    "asgi_32",
    "asgi_33",
)
def test_scope_of_a_plain_request(server):
    with server.connect() as connection:
        connection.send(request("GET /scope?a=b%20c HTTP/1.1", "Host: example.com:81"))
        scope = show(connection.read_response())
        assert scope["type"] == "http"
        assert scope["http_version"] == "1.1"
        assert scope["method"] == "GET"
        assert scope["scheme"] == "http"
        assert scope["path"] == "/scope"
        assert scope["raw_path"] == {"bytes": "/scope"}
        assert scope["query_string"] == {"bytes": "a=b%20c"}
        assert scope["root_path"] == ""
        assert scope["headers"] == [[{"bytes": "host"}, {"bytes": "example.com:81"}]]
        assert scope["client"] == ["127.0.0.1", connection.local_port]
        assert scope["server"] == ["127.0.0.1", server.port]


@holds("asgi_20")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_usual_method_is_the_interned_string(server, method):
    """So no request makes one, and look-ups in an application's tables compare pointers."""
    key = fresh_id()
    with server.connect() as connection:
        connection.send(request(f"{method} /method-interned?id={key} HTTP/1.1", HOST))
        assert connection.read_response(method).status == 200
    await_note(server, key, "interned")


@holds("asgi_05", "asgi_35", "lesson_09")
def test_scope_tells_the_versions_that_the_server_obeys(server):
    """From 2.4 on send() after a disconnect raises an OSError, which test_connection holds."""
    asgi = scope_of(server, "GET /scope HTTP/1.1")["asgi"]
    assert asgi["version"] == "3.0"
    assert tuple(int(part) for part in asgi["spec_version"].split(".")) >= (2, 4)


@holds("asgi_04", "asgi_14", "asgi_15", "asgi_31", "asgi_32", "asgi_33", "lesson_13")
def test_scope_is_made_of_the_exact_types(server):
    kind, items = json.loads(
        check_accepted(server, request("GET /scope-types?q HTTP/1.1", HOST)).body
    )
    assert kind == "dict"
    strings = ("type", "http_version", "method", "scheme", "path", "root_path")
    assert [items[name] for name in strings] == ["str"] * len(strings)
    assert items["raw_path"] == items["query_string"] == "bytes"
    assert items["asgi"] == ["dict", {"version": "str", "spec_version": "str"}]
    assert items["headers"][0] == "list"
    assert all(pair[0] in ("list", "tuple") for pair in items["headers"][1])
    assert all(pair[1] == ["bytes", "bytes"] for pair in items["headers"][1])
    for address in ("client", "server"):
        assert items[address][0] in ("list", "tuple")
        assert items[address][1] == ["str", "int"]
    if "extensions" in items:
        assert items["extensions"][0] == "dict"
        assert all(value[0] == "dict" for value in items["extensions"][1].values())


@holds("asgi_07", "asgi_15")
def test_scope_has_only_values_that_asgi_knows(server):
    """show_scope turns everything else into its repr."""
    text = json.dumps(scope_of(server, "GET /scope HTTP/1.1"))
    assert "<class" not in text


@holds("asgi_16", "asgi_17", "lesson_13")
def test_scope_is_new_for_each_request_down_to_its_dicts(server):
    """What an application does to its scope is not seen by the next request."""
    with server.connect() as connection:
        found = []
        for _ in range(3):
            connection.get(f"/mutate-scope?id={fresh_id()}")
            found.append(show(connection.read_response()))
            connection.get("/change-asgi")
            connection.read_response()
        connection.get("/scope")
        found.append(show(connection.read_response()))
    for scope in found:
        assert "mark" not in json.dumps(scope)
        assert scope["path"] in ("/mutate-scope", "/scope")
        assert scope["headers"]


SCOPE_CHANGES = (
    *("a-key", "a-value", "all", "header-added", "header-replaced", "headers-emptied", "asgi"),
    *("state-added", "state-replaced", "keep-scope", "keep-headers", "keep-asgi", "keep-state"),
)


@holds("asgi_16", "asgi_34", "lesson_13")
def test_scope_shows_nothing_of_what_was_done_to_the_one_before(shared):
    with shared("scopes:app").connect() as connection:

        def ask(path):
            connection.get(path)
            return connection.read_response()

        before = show(ask("/scope"))
        assert before["state"]["began"] == "well"
        for change in SCOPE_CHANGES:
            assert show(ask("/scope")) == before
            assert ask(f"/{change}").status == 200
            marked = show(ask("/mark-kept"))
            assert {**marked, "path": "/scope", "raw_path": before["raw_path"]} == before, change
            assert show(ask("/scope")) == before, change


@holds("asgi_16")
def test_scope_that_was_kept_stays_as_it_was(serve):
    with serve("scopes:app") as server, server.connect() as connection:
        for number in range(3):
            connection.get(f"/keep-scope?{number}")
            connection.read_response()
        connection.get("/kept")
        kept = show(connection.read_response())
    assert [scope["query_string"] for scope in kept] == [{"bytes": str(n)} for n in range(3)]
    assert {scope["path"] for scope in kept} == {"/keep-scope"}


def test_what_a_request_leaves_in_its_scope_ends_with_it(serve):
    with serve("scopes:app") as server, server.connect() as connection:
        for _ in range(3):
            mark = server.mark()
            connection.get("/leave")
            connection.read_response()
            server.wait_for_line("app: freed", since=mark)


@holds("asgi_34", "asgi_79")
def test_state_follows_what_the_lifespan_puts_there_later(serve):
    with serve("scopes:app") as server, server.connect() as connection:
        for number in range(3):
            connection.get("/scope")
            before = show(connection.read_response())["state"]
            connection.get(f"/lifespan-state?{number}")
            connection.read_response()
            connection.get("/scope")
            later = show(connection.read_response())["state"]
            assert later == {**before, "later": {"bytes": str(number)}}


@holds("asgi_17")
def test_scope_does_not_depend_on_the_requests_before_it(server):
    """Each request after each other, on one connection, and the same on a connection of its own."""
    requests = [
        request("GET /scope HTTP/1.1", HOST),
        request("GET /scope?a=b HTTP/1.1", HOST),
        request("GET /other HTTP/1.1", HOST),
        request("POST /scope HTTP/1.1", HOST, "Content-Length: 0"),
        request("PURGE /scope HTTP/1.1", HOST),
        request("GET /scope HTTP/1.1", HOST, "TE: trailers"),
        request("GET /scope HTTP/1.1", HOST, "X-Large: " + "x" * 5000),
        request("GET /scope HTTP/1.0", HOST, "Connection: keep-alive"),
    ]

    def ask(connection, sent):
        connection.send(sent)
        scope = show(connection.read_response())
        assert scope.pop("client")[1] == connection.local_port
        return scope

    alone = []
    for sent in requests:
        with server.connect() as connection:
            alone.append(ask(connection, sent))
    with server.connect() as connection:
        for first in range(len(requests)):
            for second in range(len(requests)):
                for index in (first, second, second):
                    assert ask(connection, requests[index]) == alone[index]


@holds("asgi_17")
def test_scope_tells_the_path_and_the_client_of_its_own_request(server):
    with server.connect() as one, server.connect() as other:
        for path in ("/same", "/same", "/a", "/b", f"/{'long' * 100}", f"/{'wide' * 100}"):
            for connection in (one, other, other):
                connection.get(path)
                scope = show(connection.read_response())
                assert (scope["path"], scope["raw_path"]) == (path, {"bytes": path})
                assert scope["client"][1] == connection.local_port


@holds("asgi_16")
def test_response_does_not_depend_on_the_scope_that_the_app_changed(server):
    """It sets method to NONE and empties the headers; HEAD is still HEAD."""
    with server.connect() as connection:
        connection.send(request(f"HEAD /mutate-scope?id={fresh_id()} HTTP/1.1", HOST))
        assert int(connection.read_response("HEAD").value("content-length")) > 0
        connection.get("/hello")
        assert connection.read_response().body == b"hello"


@holds("asgi_19")
def test_http_version_of_a_1_0_request(server):
    assert scope_of(server, "GET /scope HTTP/1.0")["http_version"] == "1.0"


@holds("asgi_25")
@pytest.mark.parametrize("query", ["", "a", "a=b&c=d", "%FF%00", "a?b", "=", "&&", "a+b"])
def test_query_string_is_as_sent(server, query):
    scope = scope_of(server, f"GET /scope?{query} HTTP/1.1")
    assert scope["query_string"] == {"bytes": query}
    assert scope["raw_path"] == {"bytes": "/scope"}


@holds("asgi_34")
def test_state_is_left_out_without_a_lifespan(server):
    assert "state" not in scope_of(server, "GET /scope HTTP/1.1") or (
        scope_of(server, "GET /scope HTTP/1.1")["state"] == {}
    )


@pytest.mark.parametrize(
    "target, path",
    [
        row("asgi_23", "proxy has cut it off", "/x", "/api/x"),
        row("asgi_23", "proxy has left it", "/api/x", "/api/x"),
        row("asgi_23", "the root itself", "/api", "/api"),
        row("asgi_23", "the root with a slash", "/api/", "/api/"),
        row("asgi_23", "once more below", "/api/api/x", "/api/api/x"),
        row("lesson_21", "not at a segment border", "/apis", "/api/apis"),
        row("lesson_21", "encoded", "/%61pi/x", "/api/x"),
        row("lesson_21", "another case", "/API/x", "/api/API/x"),
        row("asgi_23", "just a slash", "/", "/api/"),
    ],
)
def test_path_contains_root_path_once(shared, target, path):
    """(c): the specification; uvicorn puts it in front of everything."""
    scope = scope_of(shared("raw:app", *ROOT), f"GET {target} HTTP/1.1")
    assert scope["root_path"] == "/api"
    assert scope["path"] == path
    assert scope["raw_path"] == {"bytes": target}


@holds("asgi_26")
def test_root_path_loses_its_last_slash_or_is_kept_as_given(shared):
    scope = scope_of(shared("raw:app", "--root-path", "/api/"), "GET /api/x HTTP/1.1")
    assert scope["root_path"] in ("/api", "/api/")
    assert scope["path"] == "/api/x"


@holds("asgi_33")
def test_server_is_the_address_the_client_came_to(serve):
    with serve("raw:app", "--host", "0.0.0.0") as server:
        with server.connect(host="127.0.0.2") as connection:
            connection.get("/scope")
            scope = show(connection.read_response())
            assert scope["server"] == ["127.0.0.2", server.port]


@holds("asgi_32", "asgi_33")
def test_addresses_over_ipv6(serve):
    with serve("raw:app", "--host", "::1") as server:
        server.wait_for_line(rf"running on http://\[::1\]:{server.port} ")
        with server.connect(host="::1") as connection:
            connection.get("/scope")
            scope = show(connection.read_response())
            assert scope["client"] == ["::1", connection.local_port]
            assert scope["server"] == ["::1", server.port]
        server.wait_for_output(r"::1:\d+ - \"GET /scope HTTP/1\.1\" 200 OK")
