"""The edge's admin API on a loopback port: forwards to Caddy, and counts how often the weights really changed.

Configuration requests go to the router, `/metrics` to the harbour, which has the arms' counters (see `edge`).
"""

from starlette.types import Receive, Scope, Send

from console.playground.edge import Edge
from console.playground.unix_http import ask

_HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding", "keep-alive", "origin", "expect", "date"}
_READING = ("GET", "HEAD", "OPTIONS")


class AdminProxy:
    """An ASGI app in front of the edge's two admin sockets."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._weights: dict[str, int] | None = None
        self.changes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request."""
        assert scope["type"] == "http"
        body = await _read_body(receive)
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        caddy = self._edge.harbour if path == "/metrics" else self._edge.router
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name.decode("latin-1") not in _HOP_BY_HOP
        }
        mutates = scope["method"] not in _READING
        if mutates and self._weights is None:
            self._weights = await self._edge.weights()
        try:
            answer = await ask(caddy.admin_socket, scope["method"], f"{path}?{query}" if query else path, body, headers)
            status, answered, content = answer.status, answer.headers, answer.body
        except (OSError, TimeoutError) as error:
            status, answered = 502, (("content-type", "application/json"),)
            content = f'{{"error":"the edge does not answer: {type(error).__name__}"}}'.encode()
        if mutates and status < 300:
            weights = await self._edge.weights()
            self.changes += weights != self._weights
            self._weights = weights
        kept = [(name.encode(), value.encode()) for name, value in answered if name not in _HOP_BY_HOP]
        kept.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": kept})
        await send({"type": "http.response.body", "body": content})


async def _read_body(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body
