"""The way to an emulated platform, which breaks when a test wants it to."""

from collections.abc import Callable

import httpx


class Line(httpx.AsyncBaseTransport):
    """`breaks` is asked about each request, and whether it has been answered yet. `sent`: methods and paths."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.breaks: Callable[[httpx.Request, bool], bool] = lambda request, answered: False
        self.sent: list[tuple[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append((request.method, request.url.path))
        if self.breaks(request, False):
            raise httpx.ReadError("cut", request=request)
        answer = await self._inner.handle_async_request(request)
        if self.breaks(request, True):
            raise httpx.ReadError("cut", request=request)
        return answer
