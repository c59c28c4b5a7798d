"""Actuators whose truth is what Vercel shows now: look, act if it has not been done, look again.

Like `providers.setting`, and with what was found out in the outcome: ids that an undo needs, reasons of a failure.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from console.domain.codec import from_json, to_json
from providers.contract import Actuator, Operation, OperationKey, OperationStatus

Request = TypeVar("Request")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Found:
    """What a look showed. `status` LOST: Vercel does not know what the request is about."""

    status: OperationStatus
    detail: str
    outputs: Mapping[str, object] = field(default_factory=dict)


def done(detail: str, **outputs: object) -> Found:
    return Found(OperationStatus.SUCCEEDED, detail, outputs)


UNKNOWN = Found(OperationStatus.LOST, "Vercel does not know this")


class Ensure(Generic[Request]):
    """`Actuator[Request]`. The reference is the request as JSON: not for requests with secrets.

    Args:
        kind: The request's type.
        look: How it stands; None where it has not been begun.
        act: Asks for it. What it answers becomes outputs that only this call can know.
    """

    def __init__(
        self,
        kind: type[Request],
        look: Callable[[Request], Awaitable[Found | None]],
        act: Callable[[Request], Awaitable[Mapping[str, object] | None]],
    ) -> None:
        self._kind = kind
        self._look = look
        self._act = act

    async def start(self, request: Request, key: OperationKey) -> Operation:
        found = await self._look(request)
        if found is not None and found.status is not OperationStatus.LOST:
            return _operation(_reference(request), found)
        learned = await self._act(request) or {}
        return _operation(_reference(request), await self._look(request), learned)

    async def observe(self, reference: str) -> Operation:
        try:
            request = from_json(self._kind, json.loads(reference))
        except ValueError:
            return _operation(reference, UNKNOWN)
        return _operation(reference, await self._look(request))

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        found = await self._look(request)
        begun = found is not None and found.status is not OperationStatus.LOST
        return _operation(_reference(request), found) if begun else None


class Translated(Generic[Request, Other]):
    """`Actuator[Request]` by one that exists, told in its own words."""

    def __init__(self, actuator: Actuator[Other], into: Callable[[Request], Other]) -> None:
        self._actuator = actuator
        self._into = into

    async def start(self, request: Request, key: OperationKey) -> Operation:
        return await self._actuator.start(self._into(request), key)

    async def observe(self, reference: str) -> Operation:
        return await self._actuator.observe(reference)

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        return await self._actuator.find(self._into(request), key)


def _operation(reference: str, found: Found | None, learned: Mapping[str, object] | None = None) -> Operation:
    """What only the call itself could know goes into the words as well: those are kept longest."""
    known = ", ".join(f"{name} {value}" for name, value in (learned or {}).items() if value)
    if found is None:
        waiting = "asked for; Vercel does not show it yet" if learned is not None else "not so"
        return Operation(reference, OperationStatus.RUNNING, waiting, learned or {})
    detail = f"{found.detail} ({known})" if known else found.detail
    return Operation(reference, found.status, detail, {**found.outputs, **(learned or {})})


def _reference(request: object) -> str:
    return json.dumps(to_json(request), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
