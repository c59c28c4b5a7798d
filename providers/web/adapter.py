"""HTTP probes behind the provider contract."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from providers.contract import Capabilities, ProbeRequest, ProbeResult
from providers.http import Clock, utc_now
from providers.opened import Opened
from providers.web.client import Answer, NoAnswer, WebClient

if TYPE_CHECKING:
    import httpx

    from providers.web.settings import WebSettings


class Probes:
    """`ProbeSource`. A bad answer is a result; nothing is repeated, since repeating would hide it."""

    def __init__(self, client: WebClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def probe(self, request: ProbeRequest) -> ProbeResult:
        try:
            answer = await self._client.ask(request.method, request.url, request.timeout, request.headers)
        except NoAnswer as problem:
            return ProbeResult(False, problem.latency, None, problem.reason)
        fault = _fault(request, answer)
        reasons = [fault, self._certificate(answer)]
        return ProbeResult(not fault, answer.latency, answer.status, "; ".join(filter(None, reasons)))

    def _certificate(self, answer: Answer) -> str:
        if answer.expires is None:
            return ""
        return f"the certificate ends in {(answer.expires - self._clock()).days} days"


def _fault(request: ProbeRequest, answer: Answer) -> str:
    if answer.status != request.expect_status:
        leads = f" to {answer.location}" if answer.location else ""
        return f"HTTP {answer.status}{leads} instead of {request.expect_status}"
    if request.expect_text and request.expect_text not in answer.text:
        return f"the answer does not contain {request.expect_text!r}"
    return ""


def open_connection(
    name: str,
    settings: WebSettings,
    *,
    clock: Clock = utc_now,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Opened:
    """Open kept connections to whatever is asked, without asking anything."""
    client = WebClient(
        headers=settings.headers,
        fresh=settings.fresh_connections,
        verify=settings.verify,
        transport=transport,
    )
    closing = AsyncExitStack()
    closing.push_async_callback(client.close)
    return Opened(name, "web", None, lambda: Capabilities(probes=Probes(client, clock)), closing=closing)
