"""Actuators of what leaves a trace with a time rather than a state: a run, a restart, a new key.

A trace that is not older than the wish is the wish's. So the time of the wish is part of the reference.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from console.domain.codec import to_json
from providers.contract import Operation, OperationKey, OperationStatus
from providers.ensuring import UNKNOWN, Ensuring, Sealed, Standing

if TYPE_CHECKING:
    from providers.http import ProviderHttp

Request = TypeVar("Request")
CLOCK_TOLERANCE = timedelta(seconds=1)
"""Times of a platform may be cut to whole seconds."""


class Traced(Generic[Request]):
    """`Actuator[Request]`: an `Ensuring` of its own for the time of each wish.

    Args:
        look: How a request stands; the time is the wish's by the platform's clock, a little early.
        unseen_for: How long after the wish nothing may show before it counts as lost; None waits for ever.
    """

    def __init__(
        self,
        http: ProviderHttp,
        kind: type[Request],
        look: Callable[[Request, datetime], Awaitable[Standing]],
        write: Callable[[Request], Awaitable[Mapping[str, object] | None]],
        *,
        sealed: Sealed | None = None,
        unseen_for: timedelta | None = None,
    ) -> None:
        self._http = http
        self._kind = kind
        self._look = look
        self._write = write
        self._sealed = sealed
        self._unseen_for = unseen_for

    async def start(self, request: Request, key: OperationKey) -> Operation:
        return _stamped(await self._since(key.intended_at).start(request, key), key)

    async def observe(self, reference: str) -> Operation:
        try:
            told = json.loads(reference)
            intended_at, request = datetime.fromisoformat(told["since"]), json.dumps(told["request"])
        except (ValueError, KeyError, TypeError):
            return Operation(reference, OperationStatus.LOST, UNKNOWN.detail)
        return replace(await self._since(intended_at).observe(request), reference=reference)

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        found = await self._since(key.intended_at).find(request, key)
        return _stamped(found, key) if found else None

    def _since(self, intended_at: datetime) -> Ensuring[Request]:
        async def look(request: Request) -> Standing:
            since = self._earliest(intended_at)
            standing = await self._look(request, since)
            if standing.is_due and self._earliest(intended_at) < since:
                # The first answer of a connection tells that the platform's clock is behind ours.
                standing = await self._look(request, self._earliest(intended_at))
            late = self._unseen_for is not None and self._http.clock() - intended_at > self._unseen_for
            gone = late and standing.status is None and not standing.failed
            return replace(standing, status=OperationStatus.LOST) if gone else standing

        return Ensuring(self._kind, look, self._write, self._sealed)

    def _earliest(self, intended_at: datetime) -> datetime:
        return self._http.platform_time(intended_at) - CLOCK_TOLERANCE


def _stamped(operation: Operation, key: OperationKey) -> Operation:
    told = {"since": to_json(key.intended_at), "request": json.loads(operation.reference)}
    reference = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return replace(operation, reference=reference)
