"""Actuators of Supabase's changes: look whether it is so, ask for it if not, look again.

Supabase takes no idempotency key, so the truth of every operation is what the platform shows of it. What leaves a state
behind is judged by that state; what leaves a trace with a time (a run, a restart, a new key) by a trace that is not
older than the wish. The reference is the request and the time of the wish, enough for a new connection.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from console.domain.codec import from_json, to_json
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import ProviderHttp

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Request = TypeVar("Request", bound=DataclassInstance)
else:
    Request = TypeVar("Request")

CLOCK_TOLERANCE = timedelta(seconds=1)
"""Times of the platform may be cut to whole seconds."""
HIDDEN = ""


@dataclass(frozen=True)
class Standing:
    """How a wish stands with the platform.

    `status` is None while nothing of it shows: writing is due, or the platform is slow to show it. With `failed` an
    earlier attempt went wrong: whoever asks anew may try again, whoever waits learns that it failed.
    """

    status: OperationStatus | None
    detail: str = ""
    outputs: Mapping[str, object] = field(default_factory=dict)
    failed: bool = False


def done(detail: str, **outputs: object) -> Standing:
    return Standing(OperationStatus.SUCCEEDED, detail, outputs)


def moving(detail: str, **outputs: object) -> Standing:
    return Standing(OperationStatus.RUNNING, detail, outputs)


def failed(detail: str, **outputs: object) -> Standing:
    return Standing(OperationStatus.FAILED, detail, outputs)


def absent(detail: str = "asked for; Supabase does not show it yet") -> Standing:
    return Standing(None, detail)


def went_wrong(detail: str) -> Standing:
    """It failed, and nobody can tell whether for this wish: asking again is not held back by it."""
    return Standing(None, detail, failed=True)


UNKNOWN = Standing(OperationStatus.LOST, "Supabase knows nothing of it")


class Change(Generic[Request]):
    """`Actuator[Request]` by looking and writing.

    Args:
        kind: The request's type.
        look: How a request stands; the time is the wish's by the platform's clock, a little early.
        write: Ask for it. Called only when nothing of it shows.
        hide: Fields of the request that are secret. They are not in the reference: `look` then gets "" for a text, and
            "" for every value of a mapping.
        unseen_for: How long after the wish nothing may show before it counts as lost; None waits for ever.
    """

    def __init__(
        self,
        http: ProviderHttp,
        kind: type[Request],
        *,
        look: Callable[[Request, datetime], Awaitable[Standing]],
        write: Callable[[Request], Awaitable[object]],
        hide: tuple[str, ...] = (),
        unseen_for: timedelta | None = None,
    ) -> None:
        self._http = http
        self._kind = kind
        self._look = look
        self._write = write
        self._hide = hide
        self._unseen_for = unseen_for

    async def start(self, request: Request, key: OperationKey) -> Operation:
        self._guard(request)
        standing = await self._stands(request, key.intended_at)
        if standing.status in (None, OperationStatus.LOST):
            await self._write(request)
            standing = await self._stands(request, key.intended_at)
            if standing.status is OperationStatus.LOST:
                standing = absent()
        return self._operation(self._reference(request, key.intended_at), standing, key.intended_at)

    async def observe(self, reference: str) -> Operation:
        parsed = self._parse(reference)
        if parsed is None:
            return Operation(reference, OperationStatus.LOST, UNKNOWN.detail)
        request, intended_at = parsed
        return self._operation(reference, await self._stands(request, intended_at), intended_at)

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        self._guard(request)
        standing = await self._stands(request, key.intended_at)
        if standing.status in (None, OperationStatus.LOST):
            return None
        return self._operation(self._reference(request, key.intended_at), standing, key.intended_at)

    async def _stands(self, request: Request, intended_at: datetime) -> Standing:
        return await self._look(request, self._http.platform_time(intended_at) - CLOCK_TOLERANCE)

    def _operation(self, reference: str, standing: Standing, intended_at: datetime) -> Operation:
        status = standing.status
        if status is None and standing.failed:
            status = OperationStatus.FAILED
        elif status is None:
            age = self._http.clock() - intended_at
            late = self._unseen_for is not None and age > self._unseen_for
            status = OperationStatus.LOST if late else OperationStatus.RUNNING
        return Operation(reference, status, standing.detail, standing.outputs)

    def _guard(self, request: Request) -> None:
        for name in self._hide:
            value = getattr(request, name)
            self._http.guard(value.values() if isinstance(value, Mapping) else (value,) if value else ())

    def _reference(self, request: Request, intended_at: datetime) -> str:
        shown = replace(request, **{name: _hidden(getattr(request, name)) for name in self._hide})
        told = {"since": to_json(intended_at), "request": to_json(shown)}
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _parse(self, reference: str) -> tuple[Request, datetime] | None:
        try:
            told = json.loads(reference)
            request = from_json(self._kind, told["request"])
            return request, datetime.fromisoformat(told["since"])
        except (ValueError, KeyError, TypeError):
            return None


def _hidden(value: Any) -> Any:
    return dict.fromkeys(value, HIDDEN) if isinstance(value, Mapping) else HIDDEN


def state(
    http: ProviderHttp,
    kind: type[Request],
    *,
    holds: Callable[[Request], Awaitable[bool | None]],
    write: Callable[[Request], Awaitable[object]],
    say: Callable[[Request], str],
    hide: tuple[str, ...] = (),
) -> Change[Request]:
    """An actuator of a state that either holds or does not; None from `holds` where the thing itself is unknown."""

    async def look(request: Request, since: datetime) -> Standing:
        is_so = await holds(request)
        if is_so is None:
            return UNKNOWN
        return done(say(request)) if is_so else absent(f"not yet {say(request)}")

    return Change(http, kind, look=look, write=write, hide=hide)
