"""Actuators for platforms that take no key: look whether it is so, ask for it if not, look again until it stands.

What the platform shows is the truth of every operation, and the reference is the request itself as JSON, so that a new
connection can look again. Nobody can tell what somebody else has changed since from what is still coming.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from console.domain.codec import from_json, to_json
from providers.contract import Operation, OperationKey, OperationStatus

if TYPE_CHECKING:
    from providers.http import ProviderHttp

Request = TypeVar("Request")


class _Hidden(str):
    """Known by its identity, so that no secret can be mistaken for it."""


HIDDEN = _Hidden()
"""Stands for every secret in a request that was read from a reference."""


@dataclass(frozen=True)
class Standing:
    """How a wish stands with the platform.

    `status` is None while nothing of it shows: asking is due, or the platform is slow to show it. With `failed` an
    earlier attempt went wrong: whoever asks anew may try again, whoever waits learns that it failed.
    """

    status: OperationStatus | None
    detail: str
    outputs: Mapping[str, object] = field(default_factory=dict)
    failed: bool = False

    @property
    def is_due(self) -> bool:
        """Whether it has to be asked for. The platform itself says best what is wrong with what it does not know."""
        return self.status in (None, OperationStatus.LOST)


def done(detail: str, **outputs: object) -> Standing:
    return Standing(OperationStatus.SUCCEEDED, detail, outputs)


def moving(detail: str, **outputs: object) -> Standing:
    return Standing(OperationStatus.RUNNING, detail, outputs)


def failed(detail: str, **outputs: object) -> Standing:
    return Standing(OperationStatus.FAILED, detail, outputs)


def absent(detail: str = "the platform does not show it yet") -> Standing:
    return Standing(None, detail)


def went_wrong(detail: str) -> Standing:
    """It failed, and nobody can tell whether for this wish: asking again is not held back by it."""
    return Standing(None, detail, failed=True)


UNKNOWN = Standing(OperationStatus.LOST, "the platform knows nothing of it")


@dataclass(frozen=True)
class Sealed:
    """Fields of a request that hold secrets: texts, or mappings, whose names are none.

    References do not have them, so that a look may find HIDDEN in the place of each, and can then only say whether
    something stands there.
    """

    http: ProviderHttp
    fields: tuple[str, ...]

    def guard(self, request: Any) -> None:
        for value in self._of(request).values():
            self.http.guard(value.values() if isinstance(value, Mapping) else (value,))

    def hide(self, request: Any) -> Any:
        hidden = {
            name: dict.fromkeys(value, HIDDEN) if isinstance(value, Mapping) else HIDDEN
            for name, value in self._of(request).items()
        }
        return replace(request, **hidden)

    def _of(self, request: Any) -> dict[str, Any]:
        return {name: getattr(request, name) for name in self.fields}


def is_kept(now: str | None, wanted: str) -> bool | None:
    """Whether a secret stands where `now` does; None where nothing does."""
    return None if now is None else wanted is HIDDEN or now == wanted


class Ensuring(Generic[Request]):
    """`Actuator[Request]` by looking and asking.

    Args:
        kind: The request's type.
        look: How it stands.
        write: Asks for it; called only when that is due. What it answers becomes outputs that only this call can know,
            and part of the words, which are kept longest.
        sealed: What of the request no reference may hold.
    """

    def __init__(
        self,
        kind: type[Request],
        look: Callable[[Request], Awaitable[Standing]],
        write: Callable[[Request], Awaitable[Mapping[str, object] | None]],
        sealed: Sealed | None = None,
    ) -> None:
        self._kind = kind
        self._look = look
        self._write = write
        self._sealed = sealed

    async def start(self, request: Request, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        learned = await self._write(request) or {}
        begun = await self.observe(self._reference(request))
        known = ", ".join(f"{name} {value}" for name, value in learned.items() if value)
        words = f"{begun.detail} ({known})" if known else begun.detail
        return replace(begun, detail=words, outputs={**begun.outputs, **learned})

    async def observe(self, reference: str) -> Operation:
        request = self._parse(reference)
        return _operation(reference, UNKNOWN if request is None else await self._look(request))

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        if self._sealed:
            self._sealed.guard(request)
        standing = await self._look(request)
        return None if standing.is_due else _operation(self._reference(request), standing)

    def _reference(self, request: Request) -> str:
        told = to_json(self._sealed.hide(request) if self._sealed else request)
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _parse(self, reference: str) -> Request | None:
        try:
            request = from_json(self._kind, json.loads(reference))
        except ValueError:
            return None
        return self._sealed.hide(request) if self._sealed else request


class Setting(Ensuring[Request]):
    """The simplest of them: a state that holds or does not.

    Args:
        holds: Whether the platform is in that state; None where it does not know the thing at all.
        write: Asks for the state. Must be harmless when it is in force.
        say: The state in a few words, as `3 instances`.
    """

    def __init__(
        self,
        kind: type[Request],
        *,
        holds: Callable[[Request], Awaitable[bool | None]],
        write: Callable[[Request], Awaitable[Mapping[str, object] | None]],
        say: Callable[[Request], str],
        sealed: Sealed | None = None,
    ) -> None:
        async def look(request: Request) -> Standing:
            is_so = await holds(request)
            if is_so is None:
                return UNKNOWN
            return done(say(request)) if is_so else absent(f"not yet {say(request)}")

        super().__init__(kind, look, write, sealed)


def _operation(reference: str, standing: Standing) -> Operation:
    waiting = OperationStatus.FAILED if standing.failed else OperationStatus.RUNNING
    return Operation(reference, standing.status or waiting, standing.detail, standing.outputs)
