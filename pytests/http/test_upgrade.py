"""Upgrade requests for what this server does not speak (RFC 9110 §7.8): robustness 46."""

import pytest
from support.checks import check_accepted, request, said, show
from support.holds import holds, row

HOST = "Host: test"
WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.mark.parametrize(
    "fields",
    [
        row(
            "robustness_46",
            "h2c",
            ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: x"),
        ),
        row("robustness_46", "an unknown protocol", ("Connection: upgrade", "Upgrade: foo/2")),
    ],
)
def test_upgrade_to_an_unknown_protocol_is_served_as_plain_http(server, fields):
    mark = server.mark()
    check_accepted(server, request("GET /hello HTTP/1.1", HOST, *fields))
    server.wait_for_line(r"^WARNING: +Unsupported upgrade request\.", since=mark)


@holds("robustness_46")
def test_websocket_handshake_is_served_as_plain_http_without_websockets(shared):
    server = shared("raw:app", "--ws", "none")
    mark = server.mark()
    scope = show(check_accepted(server, request("GET /scope HTTP/1.1", HOST, *WEBSOCKET)))
    assert scope["type"] == "http"
    server.wait_for_line(r"^WARNING: +Unsupported upgrade request\.", since=mark)


@holds("robustness_46")
def test_upgrade_field_alone_asks_for_nothing(server):
    """RFC 9110 §7.8: it takes `Connection: upgrade` too."""
    mark = server.mark()
    check_accepted(server, request("GET /hello HTTP/1.1", HOST, "Upgrade: foo"))
    assert not [line for line in said(server, mark) if "upgrade" in line.lower()]


@holds("robustness_46", "robustness_05")
def test_upgrade_on_http_1_0_is_ignored(server):
    response = server.request(request("GET /scope HTTP/1.0", HOST, *WEBSOCKET))
    assert response.status == 200
    assert show(response)["type"] == "http"


@holds("robustness_46")
def test_upgrade_with_a_body_reads_the_body(server):
    fields = ("Connection: Upgrade", "Upgrade: h2c", "Content-Length: 5")
    with server.connect() as connection:
        connection.send(request("POST /echo HTTP/1.1", HOST, *fields, body=b"hello"))
        assert connection.read_response().body == b"hello"
