"""The scenario table: what is sent, over how many connections, and what must come back.

`limit` says what the bare responder must do for the row (None: the row has no limit, because the
responder cannot do the same work or the application waits for something).  The targets are those
of the project: CPU per request as a multiple of the limit and of the best peer.
"""

from dataclasses import dataclass

import apps

HOST = b"Host: 127.0.0.1\r\n"
BROWSER = (
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.7,de;q=0.3\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Referer: http://127.0.0.1/articles/2026/11/an-article-with-a-long-name\r\n"
    b"Cache-Control: max-age=0\r\n"
    b"Cookie: "
)
BROWSER_BYTES = 600
CHUNK = 4096


IDLE_BYTES_MAX = 2500
IDLE_SOCKET_BYTES_MAX = 4500


@dataclass(frozen=True)
class Messages:
    """A row of WebSockets: what ctests/bench/ws_load sends, and checks in what comes back.

    `mode`: echo, broadcast (one sends, all receive) or idle (the sockets are only held).
    """

    mode: str = "echo"
    bytes: int = 16
    kind: str = "text"
    deflate: bool = False


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    app: str
    request: bytes
    expected: bytes
    connections: int = 64
    pipeline: int = 1
    closes: bool = False
    limit: tuple | None = ("--body", "13")
    limit_target: float | None = None
    peer_target: float = 1.0
    idle_connections: int = 0
    idle_bytes_max: int = IDLE_BYTES_MAX
    messages: Messages | None = None

    @property
    def unit(self):
        if self.idle_connections:
            return "bytes per connection"
        return "CPU us per message" if self.messages else "CPU us per request"


def get(path=b"/", headers=b""):
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


def browser_request():
    """A GET with Host and seven more fields, 600 bytes in all; the cookie fills up."""
    empty = get(headers=BROWSER + b"\r\n")
    cookie = (b"session=" + b"0123456789abcdef" * 32)[: BROWSER_BYTES - len(empty)]
    return get(headers=BROWSER + cookie + b"\r\n")


def post(content):
    return b"POST / HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (HOST, len(content), content)


def post_chunked(content):
    pieces = [content[i : i + CHUNK] for i in range(0, len(content), CHUNK)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"POST / HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (HOST, framed)


def hello_rows():
    for connections in (1, 8, 64, 256):
        noun = "connection" if connections == 1 else "connections"
        yield Row(
            f"hello{connections}",
            f"raw hello, {connections} {noun}",
            "hello",
            get(),
            apps.HELLO,
            connections=connections,
            limit_target={1: 1.2, 8: 1.2, 64: 1.15}.get(connections),
        )
    yield Row(
        "headers",
        "raw hello, 8 browser headers (600 bytes)",
        "hello",
        browser_request(),
        apps.HELLO,
        limit_target=1.15,
    )


def body_rows():
    sizes = {"1k": "1 KB", "10k": "10 KB", "100k": "100 KB", "1m": "1 MB"}
    for key, title in sizes.items():
        content = apps.BODIES["/" + key]
        limit = ("--body", str(len(content)))
        path = b"/" + key.encode()
        yield Row(f"body{key}", f"body of {title}", "body", get(path), content, limit=limit)


def echo_rows():
    for key in ("1k", "10k", "100k"):
        content = apps.BODIES["/" + key]
        title = key[:-1] + " KB"
        limit = ("--body", str(len(content)), "--discard")
        length = Row(
            f"echo{key}",
            f"POST echo {title}, content-length",
            "echo",
            post(content),
            content,
            limit=limit,
            limit_target=1.15,
        )
        yield length
        yield Row(
            f"chunked{key}",
            f"POST echo {title}, chunked",
            "echo",
            post_chunked(content),
            content,
            limit=limit,
            limit_target=1.15,
        )


def special_rows():
    yield Row(
        "pipelined",
        "raw hello, pipelined x16",
        "hello",
        get() * 16,
        apps.HELLO,
        pipeline=16,
        peer_target=0.4,
    )
    yield Row(
        "connect",
        "raw hello, new connection per request",
        "hello",
        get(headers=b"Connection: close\r\n"),
        apps.HELLO,
        closes=True,
        limit=None,
    )
    streamed = apps.KILOBYTE * apps.STREAM_PIECES
    yield Row("stream", "1000 x 1 KB streamed", "stream", get(), streamed, limit=None)
    yield Row(
        "sleep",
        "asyncio.sleep(0.01), 256 connections",
        "sleep",
        get(),
        apps.HELLO,
        connections=256,
        limit=None,
        peer_target=0.75,
    )


def framework_rows():
    as_json = b'{"message":"Hello, World!"}'
    item = b'{"id":7,"name":"a thing","price":4.5,"tags":["red","round"]}'
    json_limit = ("--body", str(len(as_json)))
    item_limit = ("--body", str(len(item)))
    yield Row(
        "plain", "Starlette plain", "starlette", get(b"/plain"), apps.HELLO, limit_target=1.15
    )
    yield Row(
        "starlette",
        "Starlette JSON",
        "starlette",
        get(b"/json"),
        as_json,
        limit=json_limit,
        limit_target=1.15,
    )
    yield Row(
        "middleware",
        "Starlette JSON, BaseHTTPMiddleware",
        "middleware",
        get(b"/json"),
        as_json,
        limit=None,
    )
    yield Row(
        "fastapi",
        "FastAPI JSON, pydantic response model",
        "fastapi",
        get(b"/items/7"),
        item,
        limit=item_limit,
        limit_target=1.15,
    )
    yield Row("sync", "FastAPI, sync def endpoint", "fastapi", get(b"/sync"), as_json, limit=None)


def service_rows():
    """What the application waits for is in another process (services.py)."""
    for queries in (1, 5):
        thing = b'{"id":7,"name":"thing 7"}'
        yield Row(
            f"database{queries}",
            f"FastAPI, asyncpg pool, {'a query' if queries == 1 else f'{queries} queries'}",
            "database",
            get(b"/things/7?queries=%d" % queries),
            b"[%b]" % b",".join([thing] * queries),
            limit=None,
            peer_target=1 / 1.2,
        )
    yield Row(
        "fan-out",
        "FastAPI, httpx, five calls at once",
        "fan-out",
        get(b"/gather"),
        b"[13,13,13,13,13]",
        connections=4,  # 20 calls at once: httpx keeps so many connections alive
        limit=None,
    )


def memory_rows():
    yield Row(
        "idle",
        "resident bytes per idle connection (3,000)",
        "hello",
        get(),
        apps.HELLO,
        limit=None,
        idle_connections=3000,
    )


def socket_row(key, title, messages, app="ws_echo", **more):
    return Row(key, title, app, b"", b"", limit=None, messages=messages, **more)


def socket_echo_rows():
    """Every size, kind, compression and number of connections: `ws1k-binary-64-deflate`."""
    sizes = {"16": (16, "16 B"), "1k": (1024, "1 KB"), "64k": (65536, "64 KB")}
    for key, (size, words) in sizes.items():
        for kind in ("text", "binary"):
            for connections in (1, 64, 512):
                for deflate in (False, True):
                    noun = "connection" if connections == 1 else "connections"
                    yield socket_row(
                        f"ws{key}-{kind}-{connections}" + ("-deflate" if deflate else ""),
                        f"WebSocket echo {words} {kind}, {connections} {noun}"
                        + (", deflate" if deflate else ""),
                        Messages(bytes=size, kind=kind, deflate=deflate),
                        connections=connections,
                        peer_target=0.75 if size == 16 else 1.0,
                    )


def socket_rows():
    for connections in (100, 1000):
        yield socket_row(
            f"broadcast{connections}",
            f"WebSocket broadcast to {connections:,}",
            Messages("broadcast"),
            "ws_broadcast",
            connections=connections,
            peer_target=0.75,
        )
    for deflate in (False, True):
        yield socket_row(
            "ws-idle-deflate" if deflate else "ws-idle",
            "resident bytes per idle WebSocket (10,000)" + (", deflate" if deflate else ""),
            Messages("idle", deflate=deflate),
            "ws_hold",
            idle_connections=10_000,
            idle_bytes_max=IDLE_SOCKET_BYTES_MAX,
        )


def by_key(*makers):
    return {row.key: row for rows in makers for row in rows()}


HTTP = by_key(hello_rows, body_rows, echo_rows, special_rows, framework_rows, memory_rows)
ALL_SOCKETS = by_key(socket_echo_rows, socket_rows)
SERVICES = by_key(service_rows)
ROWS = HTTP | ALL_SOCKETS | SERVICES
QUICK = ("hello64", "echo10k", "starlette", "idle")
# One of each kind of WebSocket row.
SOCKETS = (
    *("ws16-text-1", "ws16-text-64", "ws16-text-512", "ws1k-text-64", "ws1k-text-64-deflate"),
    *("ws64k-binary-64", "ws64k-binary-64-deflate", "broadcast100", "broadcast1000"),
    *("ws-idle", "ws-idle-deflate"),
)
# What --rows takes for several at once.
GROUPS = {
    "http": tuple(HTTP),
    "sockets": SOCKETS,
    "all-sockets": tuple(ALL_SOCKETS),
    "services": tuple(SERVICES),
}
