"""Answers that are kept to be asked for conditionally: where nothing changed, the platform sends 304 and no body.

At GitHub a 304 costs nothing of the primary limit. The cache belongs to one connection, so that its key, the address
and what was accepted, stands for the token as well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

NOT_MODIFIED = 304
ANSWERS_AT_MOST = 256
SIZE_AT_MOST = 8 * 1024 * 1024
"""Characters of all kept answers together; one that takes more than a quarter is not kept."""

T = TypeVar("T")


@dataclass(frozen=True)
class Kept(Generic[T]):
    """One answer, and the header that asks whether it still holds."""

    value: T
    condition: Mapping[str, str]
    size: int


class KeptAnswers(Generic[T]):
    """The answers asked for most recently, within bounds of number and size."""

    def __init__(self, answers: int = ANSWERS_AT_MOST, size: int = SIZE_AT_MOST) -> None:
        self._answers = answers
        self._size = size
        self._held = 0
        self._kept: OrderedDict[str, Kept[T]] = OrderedDict()

    def find(self, key: str) -> Kept[T] | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: str, value: T, headers: Mapping[str, str], size: int) -> None:
        """Remember an answer that has an `ETag` or a `Last-Modified`; any other makes us forget what was kept."""
        self._drop(key)
        condition = _condition(headers)
        if not condition or size > self._size // 4:
            return
        self._kept[key] = Kept(value, condition, size)
        self._held += size
        while len(self._kept) > self._answers or self._held > self._size:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        gone = self._kept.pop(key, None)
        self._held -= gone.size if gone else 0


def _condition(headers: Mapping[str, str]) -> dict[str, str]:
    if headers.get("etag"):
        return {"if-none-match": headers["etag"]}
    return {"if-modified-since": headers["last-modified"]} if headers.get("last-modified") else {}
