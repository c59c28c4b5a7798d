"""The durable port in memory: checkpoints in a dictionary that outlives a simulated crash.

For tests of the engine on a clock that they move. `crash()` drops every running workflow where it stands, as a kill
does; `ensure` afterwards replays from the checkpoints. A replay that asks for its steps in another order is an error,
as it is with the real one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from console.engine.ports import Json, Workflow


@dataclass
class _Journal:
    """What one workflow has checkpointed: (step name, JSON text) by position."""

    argument: Json
    steps: dict[int, tuple[str, str]] = field(default_factory=dict)
    ended: bool = False


class _MemoryContext:
    def __init__(self, workflow_id: str, journal: _Journal) -> None:
        self.workflow_id = workflow_id
        self._journal = journal
        self._position = 0

    async def step(self, name: str, body: Callable[[], Awaitable[Json]]) -> Json:
        position, self._position = self._position, self._position + 1
        recorded = self._journal.steps.get(position)
        if recorded is not None:
            if recorded[0] != name:
                raise RuntimeError(f"replay asks for {name} at {position}, where {recorded[0]} is on record")
            return json.loads(recorded[1])
        result = await body()
        self._journal.steps[position] = (name, json.dumps(result))
        return result


class MemoryDurable:
    """Obeys `console.engine.ports.Durable`."""

    def __init__(self) -> None:
        self._workflow: Workflow | None = None
        self._ended: Callable[[str], None] = lambda _: None
        self._journals: dict[str, list[_Journal]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def bind(self, workflow: Workflow, ended: Callable[[str], None]) -> None:
        self._workflow = workflow
        self._ended = ended

    async def ensure(self, name: str, argument: Json, *, adopt: bool = False) -> None:
        if name in self._tasks:
            return
        journals = self._journals.setdefault(name, [])
        if not journals or journals[-1].ended:
            journals.append(_Journal(argument))
        self._tasks[name] = asyncio.create_task(self._run(name, journals[-1]), name=name)

    async def stop(self) -> None:
        await self.crash()

    async def crash(self) -> None:
        """Cut every workflow off where it stands; the checkpoints stay."""
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def forget(self) -> None:
        """Lose every checkpoint, as when the engine's file is gone."""
        self._journals.clear()

    async def _run(self, name: str, journal: _Journal) -> None:
        if self._workflow is None:
            raise RuntimeError("bind a workflow first")
        await self._workflow(_MemoryContext(name, journal), journal.argument)
        journal.ended = True
        self._tasks.pop(name, None)
        self._ended(name)
