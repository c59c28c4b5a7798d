"""What uploads and downloads have in common: how a reference names one, and that it lives in this process.

Whoever begins one gives it a while to end, which is nearly always enough, and then goes on with it still running.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from console.domain.codec import to_json
from console.domain.errors import ConsoleError
from providers.contract import Operation, OperationStatus

PATIENCE_S = 20.0

Wanted = TypeVar("Wanted")


def refer(wanted: object) -> str:
    """The reference of what is wanted, a dataclass of plain values: itself as JSON."""
    return json.dumps(to_json(wanted), sort_keys=True, separators=(",", ":"))


def read_reference(kind: type[Wanted], reference: str) -> Wanted | None:
    """What a reference of `refer` says; None for anything else."""
    try:
        return kind(**json.loads(reference))
    except (ValueError, TypeError):
        return None


class Transfers:
    """Those that were begun here, by reference, and how many bytes of each have passed."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._passed: dict[str, int] = {}

    def __contains__(self, reference: str) -> bool:
        return reference in self._tasks

    async def run(self, reference: str, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin it, unless it runs already, and wait a while. What goes wrong within it is raised."""
        if reference not in self._tasks:
            self._tasks[reference] = asyncio.create_task(begin())
        task = self._tasks[reference]
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if task.done():
            del self._tasks[reference]
            self._passed.pop(reference, None)
            task.result()

    def count(self, reference: str, passed: int) -> None:
        self._passed[reference] = passed

    def describe(self, reference: str, size: int) -> Operation | None:
        """How it stands while its file is not where it belongs; None where nobody here is about it."""
        task = self._tasks.get(reference)
        if task is None:
            return None
        if task.done() and isinstance(error := task.exception(), ConsoleError):
            return Operation(reference, OperationStatus.FAILED, error.what)
        words = f"{self._passed.get(reference, 0)} of {size} bytes"
        return Operation(reference, OperationStatus.RUNNING, words)

    async def close(self) -> None:
        """Stop them all."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
