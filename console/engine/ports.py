"""What the engine needs of a durable executor, and nothing more.

Two implementations: `durable.py` on DBOS, `memory.py` for tests (virtual clock, crashes on demand).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Json = Any


class Context(Protocol):
    """Inside a workflow: run something once, remember its result for ever."""

    @property
    def workflow_id(self) -> str: ...

    async def step(self, name: str, body: Callable[[], Awaitable[Json]]) -> Json:
        """Run `body` and checkpoint what it returns; on replay return that without running it.

        A body that was cut off by a crash runs again from its beginning, so it must be idempotent. Steps may run side
        by side, but must begin in the same order on every replay.
        """
        ...


Workflow = Callable[[Context, Json], Awaitable[Json]]


class Durable(Protocol):
    """Runs workflows to their end, whatever happens to the process."""

    def bind(self, workflow: Workflow, ended: Callable[[str], None]) -> None:
        """Name the one workflow, and who is told when one of a name has ended. Called once, before anything else."""
        ...

    async def ensure(self, name: str, argument: Json, *, adopt: bool = False) -> None:
        """See to it that a workflow of this name runs; returns once that is durable.

        One that runs is left alone; one that a crash cut off goes on from where it was; where there is none, or the
        last one has ended, a new one begins. `adopt` takes it over from another worker, which must be dead.
        """
        ...

    async def stop(self) -> None:
        """Let go of everything at once, as a crash would, but orderly."""
        ...
