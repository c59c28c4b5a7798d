"""Actuators of what repeats harmlessly by nature: put something into a state, and read whether it is in it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from console.domain.codec import from_json, to_json
from providers.contract import Operation, OperationKey, OperationStatus

Request = TypeVar("Request")


class Setting(Generic[Request]):
    """`Actuator[Request]` whose truth is the platform's present state.

    The reference is the request itself as JSON, so that a new connection can observe it: not for requests with secrets.
    An operation is SUCCEEDED while the state holds, RUNNING while it does not yet, LOST where the platform knows no
    such thing. Nobody can tell a state that somebody else has changed since from one that is still coming.

    Args:
        kind: The request's type.
        holds: Whether the platform is in that state; None where it does not know the thing at all.
        write: Asks for the state. Must be harmless when it is in force.
        say: The state in a few words, as `3 instances`.
    """

    def __init__(
        self,
        kind: type[Request],
        *,
        holds: Callable[[Request], Awaitable[bool | None]],
        write: Callable[[Request], Awaitable[object]],
        say: Callable[[Request], str],
    ) -> None:
        self._kind = kind
        self._holds = holds
        self._write = write
        self._say = say

    async def start(self, request: Request, key: OperationKey) -> Operation:
        if not await self._holds(request):
            await self._write(request)
        return await self.observe(self._reference(request))

    async def observe(self, reference: str) -> Operation:
        request = self._parse(reference)
        holds = await self._holds(request) if request is not None else None
        if request is None or holds is None:
            return Operation(reference, OperationStatus.LOST, "the platform knows nothing of it")
        words = self._say(request)
        if holds:
            return Operation(reference, OperationStatus.SUCCEEDED, words)
        return Operation(reference, OperationStatus.RUNNING, f"not yet {words}")

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        return await self.observe(self._reference(request)) if await self._holds(request) else None

    def _reference(self, request: Request) -> str:
        return json.dumps(to_json(request), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _parse(self, reference: str) -> Request | None:
        try:
            return from_json(self._kind, json.loads(reference))
        except ValueError:
            return None
