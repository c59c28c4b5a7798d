"""Actuators of what is put somewhere and holds a secret."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from console.domain.codec import from_json, to_json
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import ProviderHttp

Request = TypeVar("Request")


class Sealed(Generic[Request]):
    """A `Setting` whose request has a secret: the reference leaves it out, and says only where it was put.

    It ends before `start` returns. What is observed later is therefore that something stands there; whether it is the
    secret of this wish, only `find` can tell, which is given it again.

    Args:
        kind: The request's type.
        secret: The field that is secret; text.
        fetch: What stands there now; None for nothing, also where Render knows no such place.
        write: Puts it there. Must be harmless when it stands there already.
        say: Where it was put, in a few words.
    """

    def __init__(
        self,
        kind: type[Request],
        secret: str,
        *,
        http: ProviderHttp,
        fetch: Callable[[Request], Awaitable[str | None]],
        write: Callable[[Request], Awaitable[object]],
        say: Callable[[Request], str],
    ) -> None:
        self._kind = kind
        self._secret = secret
        self._http = http
        self._fetch = fetch
        self._write = write
        self._say = say

    async def start(self, request: Request, key: OperationKey) -> Operation:
        wanted = str(getattr(request, self._secret))
        self._http.guard([wanted])
        if await self._fetch(request) != wanted:
            await self._write(request)
        return self._done(request)

    async def observe(self, reference: str) -> Operation:
        request = self._parse(reference)
        if request is None or await self._fetch(request) is None:
            return Operation(reference, OperationStatus.LOST, "Render knows nothing of it")
        return self._done(request)

    async def find(self, request: Request, key: OperationKey) -> Operation | None:
        wanted = str(getattr(request, self._secret))
        self._http.guard([wanted])
        return self._done(request) if await self._fetch(request) == wanted else None

    def _done(self, request: Request) -> Operation:
        told: dict[str, Any] = to_json(request)
        place = {name: value for name, value in told.items() if name != self._secret}
        reference = json.dumps(place, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return Operation(reference, OperationStatus.SUCCEEDED, self._say(request))

    def _parse(self, reference: str) -> Request | None:
        try:
            place = json.loads(reference)
            return from_json(self._kind, {**place, self._secret: ""}) if isinstance(place, dict) else None
        except ValueError:
            return None
