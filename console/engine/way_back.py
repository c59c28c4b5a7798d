"""Ask the platforms whether a rollback could do its part: is the old arm well, is the old release still there?

Reads only, everything at the same time, and not for long: what cannot be asked in time is said to be unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.domain.errors import ConsoleError
from console.domain.plan import Step, StepKind
from console.engine.executors.trial import PROBES
from console.watch.probes import build_request, say
from providers.contract import Connection, Unsupported

PATIENCE = 3.0
"""Seconds that an answer may take; somebody waits for the plan, or for the rollback's preview."""


@dataclass(frozen=True)
class Act:
    """One act of a rollback, of a step that is planned or was done."""

    kind: StepKind
    service: str
    provider: str
    arguments: Mapping[str, Any]


def acts_of_undos(steps: Sequence[Step]) -> tuple[Act, ...]:
    """What would take back a plan that was not begun; its old arms run all the while."""
    undos = [(step, step.undo) for step in steps if step.undo is not None]
    return tuple(Act(undo.kind, str(step.service), str(step.provider), undo.arguments) for step, undo in undos)


def acts_of_rollback(steps: Sequence[Step]) -> tuple[Act, ...]:
    """What a rollback is about to do; an arm that it starts first is looked at by a step of its own."""
    started = {(s.service, s.arguments.get("arm")) for s in steps if s.kind is StepKind.RESUME}
    acts = []
    for step in steps:
        guard = step.arguments.get("guard")
        comes_back = isinstance(guard, Mapping) and (step.service, guard.get("arm")) in started
        if not comes_back:
            acts.append(Act(step.kind, str(step.service), str(step.provider), step.arguments))
    return tuple(acts)


async def find_obstacles(acts: Sequence[Act], connections: Mapping[str, Connection]) -> tuple[str, ...]:
    """Say in words what stands in the way back now; empty when nothing is known to."""
    found = await asyncio.gather(*(_in_time(act, connections) for act in acts))
    return tuple(dict.fromkeys(words for words in found if words))


async def _in_time(act: Act, connections: Mapping[str, Connection]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await _look(act, connections)
    except TimeoutError:
        return f"{act.service}: nobody could say within {PATIENCE:g} s whether it can go back."
    except ConsoleError as problem:
        return f"{act.service}: whether it can go back is unknown: {problem.what}"


async def _look(act: Act, connections: Mapping[str, Connection]) -> str:
    if act.kind is StepKind.SHIFT:
        return await _look_at_arms(act, connections)
    if act.kind is StepKind.ROLL_BACK_RELEASE and act.arguments.get("deployment"):
        return await _look_for_release(act, connections)
    return ""


async def _look_at_arms(act: Act, connections: Mapping[str, Connection]) -> str:
    guards, web = _guards_of(act), connections.get(PROBES)
    if not guards or web is None or isinstance(web.capabilities.probes, Unsupported):
        return ""
    source = web.capabilities.probes
    results = await asyncio.gather(*(source.probe(build_request(str(guard["url"]), guard)) for guard in guards))
    ill = [(guard["arm"], result) for guard, result in zip(guards, results, strict=True) if not result.ok]
    told = ", ".join(f"{arm} is not well now ({say(result)})" for arm, result in ill)
    return f"{act.service}: {told}; it would get no traffic until it is." if ill else ""


def _guards_of(act: Act) -> list[Mapping[str, Any]]:
    """Who would have to be well: the other arm, or every instance that served before."""
    guard, urls = act.arguments.get("guard"), act.arguments.get("instances")
    if isinstance(guard, Mapping):
        return [guard]
    if isinstance(urls, Mapping):
        before, probe = act.arguments["weights"], act.arguments["probe"]
        return [{"arm": name, "url": url, **probe} for name, url in urls.items() if url and probe and before.get(name)]
    return list(act.arguments.get("guards", []))


async def _look_for_release(act: Act, connections: Mapping[str, Connection]) -> str:
    connection = connections.get(act.provider)
    shelf = connection.capabilities.shelf if connection is not None else None
    if shelf is None or isinstance(shelf, Unsupported):
        return ""
    why = await shelf.find_obstacle(str(act.arguments["target"]), str(act.arguments["deployment"]))
    return f"{act.service}: it cannot return to {act.arguments['deployment']}: {why}" if why else ""
