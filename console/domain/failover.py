"""Failing over to a standby environment: what is asked for, what must be known before, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
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


@dataclass(frozen=True)
class Server:
    """One PostgreSQL as it answered. `problem` says why it could not be asked; then nothing else is to be trusted.

    Args:
        in_recovery: Whether it is a standby.
        read_only: Whether sessions begin read-only, which is how a primary is fenced.
        position: Byte of the write-ahead log: written by a primary, replayed by a standby.
        received: Byte of it that a standby has received; None for a primary.
        last_commit_at: Commit time, by the primary's clock, of the last transaction that a standby replayed.
        cluster: Identifies the primary and its standbys together; empty where the server does not tell.
        may_fence: Whether the role may make it read-only, `may_promote` whether it may promote it.
    """

    problem: str = ""
    in_recovery: bool = False
    read_only: bool = False
    position: int = 0
    received: int | None = None
    last_commit_at: datetime | None = None
    asked_at: datetime | None = None
    cluster: str = ""
    may_fence: bool = True
    may_promote: bool = True


@dataclass(frozen=True)
class Pair:
    """Both servers of one database: the one that is left, and the one that takes over.

    `lag_s` is the length of the writes that the new side may lack, in seconds: how long it took to replay what the old
    side had written when it was asked, or else the time since its last commit. None where nobody can say.
    """

    old: Server
    new: Server
    lag_s: float | None = None

    @property
    def lag_bytes(self) -> int | None:
        """How much of the log the new side has not replayed; None while either cannot be asked."""
        if self.old.problem or self.new.problem:
            return None
        return max(self.old.position - self.new.position, 0)


@dataclass(frozen=True)
class StandbyService:
    """A service on the side that takes over: the commit that runs there, and the variables that it lacks."""

    commit: str = ""
    target: str = ""
    missing: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Pointer:
    """What leads visitors to a side: a route's weights, or a name's values and its time to live in seconds."""

    weights: Mapping[str, int] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    ttl_s: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class FailoverFacts:
    """How both sides stand. `left` is what runs on the side that is left, by service; empty where nobody knows."""

    databases: Mapping[str, Pair] = field(default_factory=dict)
    services: Mapping[str, StandbyService] = field(default_factory=dict)
    pointers: Mapping[str, Pointer] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    held: str = ""


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
