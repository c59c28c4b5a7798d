"""Every kind of plan that there is: which names of strategies stand for it, what it is made from, and who makes it.

A strategy of the configuration moves a release. All other kinds are asked for by names of ours that no configuration
can give; some carry more in their name, as `recovery:scale:3` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from console.config.settings import Settings
from console.config.strategies import known_strategies
from console.domain.backups import RESTORE, TAKE, VERIFY, read_backup_act
from console.domain.failover import Failover, read_failover
from console.domain.hold import LIFT_HOLD
from console.domain.maintenance import MAINTENANCE
from console.domain.plan import Plan
from console.domain.recovery import Recovery, read_recovery
from console.domain.rotation import Rotation, read_rotation
from console.domain.switch_over import SWITCH_OVER
from console.domain.variables import SYNC
from console.planning.backups import plan_backups
from console.planning.draft import Draft
from console.planning.failover import plan_failover
from console.planning.holding import plan_lifting
from console.planning.maintenance import plan_maintenance
from console.planning.recovery import plan_recovery
from console.planning.release import plan_release
from console.planning.rotation import plan_rotation
from console.planning.switch_over import plan_switch_over
from console.planning.syncing import plan_sync

Asked = TypeVar("Asked")


class Fact(Enum):
    """What is asked before a plan of a kind can be made, by the field of `Live` that holds the answer."""

    SERVICES = auto()
    PAGES = auto()
    HOLD = auto()
    SECRET = auto()
    FAILOVER = auto()
    SWITCH = auto()
    BACKUPS = auto()


class Origin(Enum):
    """Where the release of a plan, and its name, come from."""

    WISH = auto()
    """What was asked for, as the source of releases knows it; what it changes is looked at, too."""
    RUNNING = auto()
    """What most services run, by its commit alone."""
    RUNNING_BY_RECORD = auto()
    """The same, by the name it was deployed with."""
    RUNNING_BY_SOURCE = auto()
    """The same, by the name that the source of releases has for it."""
    LAST = auto()
    """What went live last by our record; nobody is asked."""
    NONE = auto()
    """The plan finds it among its facts, or has none."""


@dataclass(frozen=True)
class PlanKind(Generic[Asked]):
    """One kind of plan. `Asked` is what the name of its strategy says.

    Args:
        read: What a strategy asks for; None for one that is of another kind.
        purpose: What a deployment of it does, in the words that stand beside the environment's lock.
        goes_forward: Whether a freeze keeps it from beginning; what comes back, or helps visitors, is never frozen.
        build: Writes the plan. It gets what forbids it already, and adds to that.
    """

    read: Callable[[str], Asked | None]
    purpose: Callable[[Asked, Plan], str]
    facts: frozenset[Fact]
    origin: Origin
    build: Callable[[Draft, Asked, Sequence[str]], Plan]
    goes_forward: bool = True


SAYING = {TAKE: "backs up", VERIFY: "proves the backup of", RESTORE: "restores a backup of"}
"""What is done with backups, in the words that stand beside the environment's lock."""


def _named(word: str) -> Callable[[str], str | None]:
    return lambda strategy: word if strategy == word else None


SYNCING = PlanKind[str](
    read=_named(SYNC),
    purpose=lambda _, plan: "sets variables",
    facts=frozenset({Fact.SERVICES}),
    origin=Origin.RUNNING,
    build=lambda draft, _, refusals: plan_sync(draft, refusals),
)
HOLDING_PAGES = PlanKind[str](
    read=_named(MAINTENANCE),
    purpose=lambda _, plan: "changes holding pages",
    facts=frozenset({Fact.PAGES}),
    origin=Origin.LAST,
    build=lambda draft, _, refusals: plan_maintenance(draft, refusals),
    goes_forward=False,
)
FAILING_OVER = PlanKind[Failover](
    read=read_failover,
    purpose=lambda _, plan: "fails over",
    facts=frozenset({Fact.FAILOVER}),
    origin=Origin.NONE,
    build=plan_failover,
    goes_forward=False,
)
LIFTING = PlanKind[str](
    read=_named(LIFT_HOLD),
    purpose=lambda _, plan: "lets pushes go live again",
    facts=frozenset({Fact.SERVICES, Fact.HOLD}),
    origin=Origin.RUNNING_BY_RECORD,
    build=lambda draft, _, refusals: plan_lifting(draft, refusals),
)
RECOVERING = PlanKind[Recovery](
    read=read_recovery,
    purpose=lambda asked, plan: f"recovers {', '.join(plan.services)} ({asked.act})",
    facts=frozenset({Fact.SERVICES, Fact.HOLD}),
    origin=Origin.RUNNING_BY_RECORD,
    build=plan_recovery,
    goes_forward=False,
)
ROTATING = PlanKind[Rotation](
    read=read_rotation,
    purpose=lambda asked, plan: f"rotates {asked.name}",
    facts=frozenset({Fact.SERVICES, Fact.SECRET}),
    origin=Origin.RUNNING_BY_SOURCE,
    build=plan_rotation,
)
SWITCHING_OVER = PlanKind[str](
    read=_named(SWITCH_OVER),
    purpose=lambda _, plan: f"brings the data over and deploys {plan.release.name}",
    facts=frozenset({Fact.SERVICES, Fact.HOLD, Fact.SWITCH}),
    origin=Origin.WISH,
    build=lambda draft, _, refusals: plan_switch_over(draft, refusals),
)
BACKING_UP = PlanKind[str](
    read=read_backup_act,
    purpose=lambda act, plan: f"{SAYING[act]} {', '.join(plan.services)}",
    facts=frozenset({Fact.BACKUPS}),
    origin=Origin.LAST,
    build=plan_backups,
    goes_forward=False,
)
RELEASING = PlanKind[str](
    read=lambda strategy: strategy,
    purpose=lambda _, plan: f"deploys {plan.release.name}",
    facts=frozenset({Fact.SERVICES, Fact.HOLD}),
    origin=Origin.WISH,
    build=plan_release,
)

KINDS: tuple[PlanKind[Any], ...] = (
    SYNCING,
    HOLDING_PAGES,
    FAILING_OVER,
    LIFTING,
    RECOVERING,
    ROTATING,
    SWITCHING_OVER,
    BACKING_UP,
    RELEASING,
)
"""The last takes every name that the others leave; whether it is one is another question: `is_strategy`."""


def read_strategy(strategy: str) -> tuple[PlanKind[Any], Any]:
    """The kind that a strategy stands for, and what it asks for; an empty one is the environment's own."""
    found = ((kind, kind.read(strategy)) for kind in KINDS)
    return next((kind, asked) for kind, asked in found if asked is not None)


def is_strategy(settings: Settings, strategy: str) -> bool:
    """Whether there is such a strategy."""
    kind, _ = read_strategy(strategy)
    return kind is not RELEASING or strategy in ("", *known_strategies(settings.custom_pipelines))


def say_purpose(plan: Plan) -> str:
    """What a deployment of the plan does: `deploys v2`, `rotates SESSION_SECRET`."""
    kind, asked = read_strategy(plan.strategy)
    return kind.purpose(asked, plan)


def build_by_kind(draft: Draft, strategy: str, refusals: Sequence[str]) -> Plan:
    """Have the plan written that a strategy stands for."""
    kind, asked = read_strategy(strategy)
    return kind.build(draft, asked, refusals)
