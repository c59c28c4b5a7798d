"""The way back of a service with instances. Pure.

While some were not touched, traffic goes to those at once; then every touched one returns, all side by side, and at
last traffic is divided as before. Once all were touched they return batch by batch, the last batch first, so that the
others serve meanwhile: out, back, well, in again. Only who is well gets traffic. Without a router nobody is led away.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from console.domain.deployment import Deployment, StepStatus
from console.domain.ids import ServiceName, StepId
from console.domain.plan import Phase, Step, StepKind
from console.domain.traffic import divide_evenly
from console.planning.undos import PATIENCE, Member, health_after, undo_step

TIME_TO_GET_WELL = timedelta(minutes=5)
"""How long an instance that went back may take until it answers its health check."""

WAIT_FOR_ALL = "all"
"""It waits until everybody who is to have some is well; a rollback in the end for those who are."""
AMONG_THE_WELL = "well"
"""Those who are well share it; it waits while nobody is."""
STAY = "stay"
"""Those who are well share it; while nobody is, it stays where it is."""


@dataclass(frozen=True)
class RolledService:
    """What a deployment did to one service with instances, as far as it is still to be taken back.

    `shift` stands for every move of traffic, `changed` are the instances that got the release, in the plan's order.
    `route` is how traffic was divided before: arguments of a shift. Empty without a router.
    """

    service: ServiceName
    shift: Member | None
    changed: tuple[Member, ...]
    route: Mapping[str, Any]
    pattern: Step | None

    @property
    def before(self) -> dict[str, int]:
        return dict(self.route.get("weights", {}))

    @property
    def untouched(self) -> tuple[str, ...]:
        """Those that served before and were not changed, or are changed back."""
        touched = {_arm_of(member) for member in self.changed}
        return tuple(name for name, weight in self.before.items() if weight and name not in touched)

    @property
    def _serving(self) -> tuple[str, ...]:
        return tuple(name for name, weight in self.before.items() if weight)

    @property
    def leaves_nobody(self) -> bool:
        """Whether no instance is left that could serve while all others go back."""
        if self.route:
            return not self.untouched
        return bool(self.changed) and len(self.changed) >= _number(self.changed[0], "serving")

    def lead_away(self) -> tuple[Step, ...]:
        """At once and before all else: traffic to those that run what ran before."""
        if self.shift is None or self.leaves_nobody:
            return ()
        return (self._shifted(undo_step(self.shift, ()), self.untouched, AMONG_THE_WELL),)

    def return_all(self, deployment: Deployment, needs: Collection[StepId]) -> list[Step]:
        """Every changed instance back to what it ran, then traffic as before."""
        if self.leaves_nobody:
            return self._by_batches(deployment, needs)
        steps = self._side_by_side(deployment, self.changed, needs)
        if self.route and (self.changed or self.is_uneven(deployment)):
            steps.append(self._even(tuple(_ends(steps)) or tuple(needs)))
        return steps

    def _by_batches(self, deployment: Deployment, needs: Collection[StepId]) -> list[Step]:
        steps: list[Step] = []
        serving = self._serving
        batches = sorted({_number(member, "batch") for member in self.changed}, reverse=True)
        for batch in batches:
            members = [member for member in self.changed if _number(member, "batch") == batch]
            after = tuple(_ends(steps)) or tuple(needs)
            leaving = [_arm_of(member) for member in members]
            if self.route:
                others = [name for name in serving if name not in leaving]
                others = others or [name for name in self.before if name not in leaving]
                title = f"Take {', '.join(leaving)} of {self.service} out of traffic"
                out = self._own(f"back:{self.service}.drain-{batch}", title, after)
                steps.append(self._shifted(out, others, STAY))
                after = (out.id,)
            steps += self._side_by_side(deployment, members, after)
            if self.route and batch != batches[-1]:
                title = f"Give {', '.join(leaving)} of {self.service} traffic again"
                again = self._own(f"back:{self.service}.rejoin-{batch}", title, tuple(_ends(steps)))
                steps.append(self._shifted(again, serving, AMONG_THE_WELL))
        if self.route:
            ends = tuple(_ends(steps))
            steps.append(self._whole(undo_step(self.shift, ends)) if self.shift else self._even(ends))
        return steps

    def _side_by_side(self, deployment: Deployment, members: Sequence[Member], needs: Collection[StepId]) -> list[Step]:
        steps: list[Step] = []
        for member in members:
            steps += [undo_step(member, needs), *map(_patient, health_after(deployment, member))]
        return steps

    def _even(self, needs: Collection[StepId]) -> Step:
        title = f"Divide {self.service}'s traffic as before"
        return self._whole(self._own(even_id(self.service), title, needs))

    def _whole(self, step: Step) -> Step:
        """Everybody who served before gets what they had, once all of them are well."""
        shifted = self._shifted(step, self._serving, WAIT_FOR_ALL)
        return replace(shifted, arguments={**shifted.arguments, "weights": dict(self.before)})

    def _shifted(self, step: Step, among: Sequence[str], fit: str) -> Step:
        urls, probe = self.route["instances"], self.route["probe"]
        guards = [{"arm": name, "url": urls[name], **probe} for name in among if probe and urls[name]]
        given = {key: self.route[key] for key in ("router", "route", "service")}
        kept = {key: value for key, value in step.arguments.items() if key in {"outputs", "also_undoes"}}
        weights = divide_evenly(tuple(self.before), among)
        return replace(step, arguments={**given, **kept, "weights": weights, "guards": guards, "fit": fit})

    def _own(self, step_id: str, title: str, needs: Collection[StepId]) -> Step:
        """A move of traffic that takes back none of the plan's by itself."""
        assert self.pattern is not None
        return replace(
            self.pattern,
            id=StepId(step_id),
            name=title,
            phase=Phase.ROLLBACK,
            needs=tuple(dict.fromkeys(needs)),
            arguments={},
            undo=None,
            no_undo="It belongs to a rollback itself.",
            attempts=max(self.pattern.attempts, PATIENCE),
        )

    def is_uneven(self, deployment: Deployment) -> bool:
        """Whether an earlier way back had led traffic away and did not come to its end."""
        earlier = deployment.steps.get(even_id(self.service))
        return earlier is not None and earlier.status is not StepStatus.SUCCEEDED


def find_rolled(
    deployment: Deployment, members: Sequence[Member], services: Collection[ServiceName]
) -> tuple[RolledService, ...]:
    """The services with instances that have something to take back.

    Args:
        services: Only these; empty for all.
    """
    found = []
    for name in deployment.plan.services:
        if services and name not in services:
            continue
        shifts = [step for step in deployment.plan.steps if step.service == name and _moves_instances(step)]
        rolled = RolledService(
            name,
            next((m for m in members if m.step.service == name and _moves_instances(m.step)), None),
            tuple(m for m in members if m.step.service == name and "batch" in m.undo.arguments),
            shifts[0].undo.arguments if shifts and shifts[0].undo else {},
            shifts[0] if shifts else None,
        )
        if rolled.shift or rolled.changed or rolled.is_uneven(deployment):
            found.append(rolled)
    return tuple(found)


def _moves_instances(step: Step) -> bool:
    return step.kind is StepKind.SHIFT and step.undo is not None and "instances" in step.undo.arguments


def _ends(steps: Sequence[Step]) -> list[StepId]:
    needed = {need for step in steps for need in step.needs}
    return [step.id for step in steps if step.id not in needed]


def _patient(check: Step) -> Step:
    """Others serve meanwhile, so that one that takes its time is no reason to call a person."""
    arguments = check.arguments
    interval, attempts = cast("float", arguments["interval_s"]), cast("int", arguments["attempts"])
    enough = max(attempts, math.ceil(TIME_TO_GET_WELL.total_seconds() / max(interval, 0.1)))
    return replace(check, arguments={**arguments, "attempts": enough}, time_limit=check.time_limit + TIME_TO_GET_WELL)


def _arm_of(member: Member) -> str:
    return str(member.undo.arguments["arm"])


def _number(member: Member, key: str) -> int:
    return cast("int", member.undo.arguments[key])


def even_id(service: str) -> StepId:
    return StepId(f"even:{service}")
