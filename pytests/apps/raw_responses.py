"""Well-behaved responses: every form that ASGI allows."""

from __future__ import annotations

from observe import Noting, key_of, note, query
from replies import read_body, respond


def body_of(size: int) -> bytes:
    """`size` bytes in which a lost, doubled or swapped piece shows."""
    pattern = b"".join(b"%07d\n" % number for number in range(0, 8192, 8))
    return (pattern * (size // len(pattern) + 1))[:size]


async def hello(scope, receive, send):
    await respond(send, b"hello", fields=[(b"content-type", b"text/plain")])


async def sized(scope, receive, send):
    """?size=N: one body with its content-length."""
    await respond(send, body_of(int(query(scope)["size"])))


async def without_length(scope, receive, send):
    """One body message and no content-length."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"no length"})


async def status(scope, receive, send):
    """?status=N[&body=B][&length=N][&late=1]: as asked. `late`: the end is a message of its own."""
    asked = query(scope)
    fields = [(b"content-length", asked["length"].encode())] if "length" in asked else []
    fields += [(b"x-extra", b"1")]
    start = {"type": "http.response.start", "status": int(asked["status"]), "headers": fields}
    await send(start)
    body = {"type": "http.response.body", "body": asked.get("body", "").encode()}
    if "late" in asked:
        await send({**body, "more_body": True})
        body = {"type": "http.response.body"}
    await send(body)


async def stream(scope, receive, send):
    """?count=N&size=N[&length=1]: N pieces; a read-out of the whole in notes."""
    asked = query(scope)
    count, size = int(asked["count"]), int(asked["size"])
    fields = [(b"content-length", str(count * size).encode())] if "length" in asked else []
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    whole = body_of(count * size)
    for at in range(0, count * size, size):
        await send({"type": "http.response.body", "body": whole[at : at + size], "more_body": True})
    await send({"type": "http.response.body"})


async def pieces(scope, receive, send):
    """Pieces of different kinds, an empty one among them."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in (b"one,", b"", bytearray(b"two,"), memoryview(b"three")):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def head_forms(scope, receive, send):
    """?form=…: the ways in which headers may be given."""
    forms = {
        "missing": None,
        "tuple": ((b"x-a", b"1"), (b"x-b", b"2")),
        "lists": [[b"x-a", b"1"], [b"x-b", b"2"]],
        "generator": (pair for pair in [(b"x-a", b"1"), [b"x-b", b"2"]]),
        "items": {b"x-a": b"1", b"x-b": b"2"}.items(),
        "iterators": [iter([b"x-a", b"1"]), iter([b"x-b", b"2"])],
    }
    start = {"type": "http.response.start", "status": 200}
    headers = forms[query(scope)["form"]]
    if headers is not None:
        start["headers"] = headers
    await send(start)
    await send({"type": "http.response.body", "body": b"forms"})


async def field_bytes(scope, receive, send):
    """Heads go out as given: order, duplicates, verbatim values, obs-text, empty values, HTAB."""
    await respond(
        send,
        b"fields",
        fields=[
            (b"set-cookie", b"a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=Lax; Path=/"),
            (b"x-first", b"1"),
            (b"set-cookie", b"b=2; Secure; HttpOnly"),
            (b"x-obs", b"caf\xc3\xa9 \xff\x80"),
            (b"x-empty", b""),
            (b"x-tab", b"a\tb c"),
            (b"X-Mixed-Case", b"MiXeD"),
            (b"x-first", b"2"),
        ],
    )


async def own_field(scope, receive, send):
    """?name=…&value=…: one header of the application's own."""
    asked = query(scope)
    field = (asked["name"].encode("latin-1"), asked["value"].encode("latin-1"))
    await respond(send, b"own", fields=[field])


async def framing(scope, receive, send):
    """?fields=…: framing fields of the application's; the server frames by itself."""
    choices = {
        "te": [(b"transfer-encoding", b"chunked")],
        "te-gzip": [(b"Transfer-Encoding", b"gzip, chunked")],
        "both": [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")],
        "twice": [(b"content-length", b"5"), (b"Content-Length", b"5")],
    }
    fields = choices[query(scope)["fields"]]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    if "pieces" in query(scope):
        await send({"type": "http.response.body", "body": b"he", "more_body": True})
        await send({"type": "http.response.body", "body": b"llo"})
    else:
        await send({"type": "http.response.body", "body": b"hello"})


async def trailers(scope, receive, send):
    """Announced trailers, in two messages."""
    send = Noting(scope, send)
    fields = [(b"trailer", b"x-checksum")]
    if length := query(scope).get("length"):
        fields.append((b"content-length", length.encode()))
    start = {"type": "http.response.start", "status": 200, "headers": fields, "trailers": True}
    await send(start)
    await send({"type": "http.response.body", "body": b"body"})
    note(key_of(scope), "body sent")
    first = [(b"x-checksum", b"abc")]
    await send({"type": "http.response.trailers", "headers": first, "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": [(b"x-more", b"def")]})
    note(key_of(scope), (await receive())["type"])


async def extra_keys(scope, receive, send):
    """Messages with keys that nobody knows."""
    send = Noting(scope, send)
    start = {"type": "http.response.start", "status": 200, "headers": [], "reason": "x", "z": {}}
    await send(start)
    await send({"type": "http.response.body", "body": b"extra", "more_body": False, "y": object()})


async def computed_keys(scope, receive, send):
    """Messages whose keys are no constants of the source code: equal, and other objects."""
    send = Noting(scope, send)
    start = {"type": "http.response.start", "status": 201, "headers": [(b"x-own", b"1")]}
    await send({"".join(list(key)): value for key, value in start.items()})
    for more in (True, False):
        body = {"type": "http.response.body", "body": b"computed", "more_body": more}
        await send({"".join(list(key)): value for key, value in body.items()})


class Equal:
    """No str, but as good as one to a dict."""

    def __init__(self, text):
        self.text = text

    def __hash__(self):
        return hash(self.text)

    def __eq__(self, other):
        return other == self.text


async def equal_type_key(scope, receive, send):
    """The start's `type` is found by equality alone."""
    send = Noting(scope, send)
    await send({Equal("type"): "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": b"equal"})


async def informational(scope, receive, send):
    """?when=before|after: early hints beside the start, when the scope offers them."""
    key, when = key_of(scope), query(scope)["when"]
    offered = "http.response.early_hint" in scope.get("extensions", {})
    note(key, "offered" if offered else "not offered")
    hint = {"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]}
    if offered and when == "before":
        await send(hint)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if offered and when == "after":
        await send(hint)
    await send({"type": "http.response.body", "body": b"hinted"})


async def echo_trace(scope, receive, send):
    """For TRACE: says that it was the application that answered."""
    await read_body(receive)
    await respond(send, b"the application: " + scope["method"].encode())


async def close(scope, receive, send):
    """A response that says `connection: close`."""
    await respond(send, b"bye", fields=[(b"connection", b"close")])


ROUTES = {
    "/hello": hello,
    "/sized": sized,
    "/without-length": without_length,
    "/status": status,
    "/stream": stream,
    "/pieces": pieces,
    "/head-forms": head_forms,
    "/field-bytes": field_bytes,
    "/own-field": own_field,
    "/framing": framing,
    "/trailers": trailers,
    "/extra-keys": extra_keys,
    "/computed-keys": computed_keys,
    "/equal-type-key": equal_type_key,
    "/informational": informational,
    "/trace": echo_trace,
    "/close": close,
}
