"""One actuator told in the words of another's requests: what the engine does, asked for by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from providers.contract import Actuator, Operation, OperationKey

Asked = TypeVar("Asked")
Meant = TypeVar("Meant")


class Translated(Generic[Asked, Meant]):
    """`Actuator[Asked]`. References are the inner one's."""

    def __init__(self, inner: Actuator[Meant], turn: Callable[[Asked], Meant]) -> None:
        self._inner = inner
        self._turn = turn

    async def start(self, request: Asked, key: OperationKey) -> Operation:
        return await self._inner.start(self._turn(request), key)

    async def observe(self, reference: str) -> Operation:
        return await self._inner.observe(reference)

    async def find(self, request: Asked, key: OperationKey) -> Operation | None:
        return await self._inner.find(self._turn(request), key)
