"""What earlier deployments of an environment say about the next: how often they failed, and which gates are flaky.

A gate is flaky for a commit when it both passed and did not: on another attempt, or in another deployment of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.events import Trigger
from console.domain.plan import StepKind

GATES = frozenset(
    {
        StepKind.CHECK_COMMIT,
        StepKind.HEALTH,
        StepKind.INTEGRATION,
        StepKind.BENCHMARK,
        StepKind.MEASURE,
        StepKind.BAKE,
        StepKind.VERIFY,
    }
)
RELEASING = frozenset({StepKind.DEPLOY, StepKind.PROMOTE})
JUDGED = frozenset({DeploymentStatus.SUCCEEDED, DeploymentStatus.ROLLED_BACK, DeploymentStatus.FAILED})

GateKey = tuple[str, StepKind]
"""The service, empty for none, and the kind of step."""


@dataclass(frozen=True)
class GateRecord:
    """For how many commits the gate was tried, and for how many of them it both passed and did not."""

    commits: int
    flaky: int


@dataclass(frozen=True)
class Past:
    """Of deployments that gave a release and have ended: how many, and how many of them did not hold.

    One that a person took back counts for neither: nobody knows what it would have come to. `last_bad` says how the
    newest one ended if it did not hold, `live_since` when the newest good one ended.
    """

    ended: int = 0
    bad: int = 0
    last_bad: str = ""
    live_since: datetime | None = None
    gates: Mapping[GateKey, GateRecord] = field(default_factory=dict)


def read_past(deployments: Iterable[Deployment]) -> Past:
    """Sum up deployments of one environment, given newest first."""
    releasing = [one for one in deployments if any(step.kind in RELEASING for step in one.plan.steps)]
    known = [one for one in releasing if one.status in JUDGED and not _was_taken_back_by_hand(one)]
    bad = [one for one in known if one.status is not DeploymentStatus.SUCCEEDED]
    good = next((one for one in known if one.status is DeploymentStatus.SUCCEEDED), None)
    last = known[0] if known and known[0] in bad else None
    return Past(
        ended=len(known),
        bad=len(bad),
        last_bad=f"{last.plan.release.name} {last.status.value.replace('_', ' ')} ({last.id})" if last else "",
        live_since=good.ended_at if good else None,
        gates=_read_gates(releasing),
    )


def _was_taken_back_by_hand(deployment: Deployment) -> bool:
    return deployment.rollback is not None and deployment.rollback.trigger is Trigger.MANUAL


def _read_gates(deployments: Iterable[Deployment]) -> dict[GateKey, GateRecord]:
    passed: dict[GateKey, dict[str, set[bool]]] = defaultdict(lambda: defaultdict(set))
    for deployment in deployments:
        for state in deployment.steps.values():
            if state.step.kind not in GATES or state.status not in {StepStatus.SUCCEEDED, StepStatus.FAILED}:
                continue
            seen = passed[state.step.service or "", state.step.kind][deployment.plan.release.commit]
            seen.add(state.status is StepStatus.SUCCEEDED)
            if state.attempts > 1:
                seen.add(False)
    return {
        key: GateRecord(len(commits), sum(len(outcomes) > 1 for outcomes in commits.values()))
        for key, commits in passed.items()
    }
