"""Whether an address answers as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.contract import ProbeRequest, ProbeResult
from providers.web.client import Answer, NoAnswer, WebClient

if TYPE_CHECKING:
    from providers.http import Clock


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
