"""Failing over to a standby environment: what is asked for, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.domain.plan import StepKind
from console.domain.statuses import StepStatus

if TYPE_CHECKING:
    from console.domain.deployment import Deployment

FAILOVER = "failover"
"""The strategy; what follows it says how: `failover:back`, `failover:rehearse`, `failover:force`."""

EXACT, AT_MOST, UNKNOWN = "exact", "at-most", "unknown"
"""How sure an RPO is: nothing was lost for certain, no more than this was lost, nobody can say."""

CANNOT_GO_BACK = (
    "the standby was promoted, and two databases that both take writes would be worse than none. Go forward; "
    "`failover ENV --back` returns to the old side later"
)


@dataclass(frozen=True)
class Failover:
    """`back` returns to the side that was left, `rehearsal` changes nothing, `force` goes on without the old side."""

    back: bool = False
    rehearsal: bool = False
    force: bool = False

    @property
    def strategy(self) -> str:
        flags = {"back": self.back, "rehearse": self.rehearsal, "force": self.force}
        return ":".join([FAILOVER, *(word for word, given in flags.items() if given)])


def read_failover(strategy: str) -> Failover | None:
    """The failover that a strategy stands for; None for any other strategy."""
    name, *words = strategy.split(":")
    if name != FAILOVER or not set(words) <= {"back", "rehearse", "force"}:
        return None
    return Failover("back" in words, "rehearse" in words, "force" in words)


def is_past_return(deployment: Deployment) -> bool:
    """Whether a standby was promoted, or may have been: from then on nothing is taken back by itself.

    The intent is on record before the database is asked. A failure that is settled says that nothing happened.
    """
    return any(
        state.status is StepStatus.SUCCEEDED or (state.operation is not None and not state.settled)
        for state in deployment.steps.values()
        if state.step.kind is StepKind.PROMOTE_STANDBY
    )


def read_figures(deployment: Deployment) -> dict[str, object] | None:
    """What a failover came to, or a rehearsal expects; None for any other deployment.

    `rto_s` counts from the request to the standby's verified answers, `rpo_s` is the length of the writes that may be
    lost, and `rpo` says how sure that is. Both are None until they were measured. `old_unused_at` is from when on no
    resolver leads visitors to the old side; None where no name was moved.
    """
    asked = read_failover(deployment.plan.strategy)
    if asked is None:
        return None
    step = next((step for step in deployment.plan.steps if step.kind is StepKind.VERIFY_FAILOVER), None)
    verdicts = [record.verdict.evidence for record in deployment.verdicts if step and record.step == step.id]
    rehearsed = verdicts[-1] if asked.rehearsal and verdicts else {}
    measured = {**rehearsed, **(deployment.steps[step.id].outputs if step else {})}
    promised = step.arguments if step else {}
    waited = (state for state in deployment.steps.values() if state.step.kind is StepKind.AWAIT_RESOLVERS)
    unused = (state.outputs["unused_at"] for state in waited if "unused_at" in state.outputs)
    return {
        "to": promised.get("to"),
        "back": asked.back,
        "rehearsal": asked.rehearsal,
        "forced": asked.force,
        "rto_s": None,
        "rpo_s": None,
        "rpo": UNKNOWN,
        "lost_bytes": None,
        "resolvers_s": promised.get("resolvers_s"),
        "old_unused_at": next(iter(unused), None),
        "promised_rto_s": promised.get("rto_s"),
        "promised_rpo_s": promised.get("rpo_s"),
        **measured,
    }
