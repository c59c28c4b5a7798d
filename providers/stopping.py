"""Actuators that stop what runs. The operation is that run: it has succeeded once that has ended, however it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Generic, TypeVar

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, OperationStatus

Request = TypeVar("Request")


class Stopping(Generic[Request]):
    """`Actuator[Request]`. References are the run's own.

    Args:
        reference_of: The run that a request is about.
        look: How the run stands, by its reference.
        stop: Asks for its end, by its reference; called only while it runs. A platform may refuse what ended just now.
    """

    def __init__(
        self,
        reference_of: Callable[[Request], str],
        *,
        look: Callable[[str], Awaitable[Operation]],
        stop: Callable[[str], Awaitable[None]],
    ) -> None:
        self._reference_of = reference_of
        self._look = look
        self._stop = stop

    async def start(self, request: Request, key: OperationKey) -> Operation:
        before = await self.observe(self._reference_of(request))
        if before.status is not OperationStatus.RUNNING:
            return before
        try:
            await self._stop(before.reference)
        except Rejected:
            after = await self.observe(before.reference)
            if not after.status.is_terminal:
                raise
            return after
        return await self.observe(before.reference)

    async def observe(self, reference: str) -> Operation:
        run = await self._look(reference)
        if run.status in (OperationStatus.RUNNING, OperationStatus.LOST):
            return run
        detail = "canceled" if run.status is OperationStatus.CANCELLED else f"it had ended before: {run.detail}"
        return replace(run, status=OperationStatus.SUCCEEDED, detail=detail)

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        found = await self.observe(self._reference_of(request))
        return found if found.status is OperationStatus.SUCCEEDED else None
