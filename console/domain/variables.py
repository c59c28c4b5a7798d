"""Variables of services as everybody may see them: names, and digests in the place of values.

A digest is a keyed hash under a salt that never leaves the worker: equal values have equal digests, and nobody can
guess a value by trying. `ABSENT` stands for a variable that is not there, `UNREADABLE` for one whose value the platform
keeps to itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from console.domain.ids import EnvironmentName, ServiceName, StepId

ABSENT = ""
UNREADABLE = "unreadable"

SYNC = "configuration"
"""The strategy that sets variables and deploys nothing."""

NOTHING_TO_SET = "Every variable is as the configuration wants it; there is nothing to set."
"""The refusal of a sync that would change nothing."""


class VariableState(StrEnum):
    """How a variable on its platform stands to what the configuration wants, or to another environment."""

    EQUAL = "equal"
    DIFFERENT = "different"
    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable"
    UNRESOLVED = "unresolved"
    UNMANAGED = "unmanaged"

    @property
    def differs(self) -> bool:
        """Unreadable is doubt and unmanaged is nobody's wish: neither is a difference."""
        return self not in {VariableState.EQUAL, VariableState.UNREADABLE, VariableState.UNMANAGED}


@dataclass(frozen=True)
class VariableLine:
    """One variable of one place. `place` is the arm, empty for a service in one place.

    `wanted`, `actual` and `live` are digests: what the configuration (or the other environment) says, what is set on
    the platform now, and what the live release ran with. `drifted` says that the last two are known to differ.
    """

    service: ServiceName
    place: str
    name: str
    state: VariableState
    wanted: str = ABSENT
    actual: str = ABSENT
    live: str = ABSENT
    drifted: bool = False
    detail: str = ""

    @property
    def differs(self) -> bool:
        return self.drifted or self.state.differs


@dataclass(frozen=True)
class VariableReport:
    """Every variable of an environment's services. `problems` name what could not be read; then nothing is equal."""

    environment: EnvironmentName
    other: str = ""
    equal: bool = True
    lines: tuple[VariableLine, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConfigurationRecord:
    """What a place was configured with when a step gave it a release: names and digests."""

    step: StepId
    service: ServiceName
    target: str
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VariableChange:
    """One variable that is to be set or removed, as digests."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Reconfiguration:
    """What must change at one place so that it has what the configuration wants.

    `back` says what a rollback puts there, by name: what the live release ran with, as far as somebody still has the
    values. `lost` names what it cannot put back. `hidden` has the digests of values that the platform keeps to itself,
    as they are on record. `problem` says why nothing can be planned.
    """

    changes: tuple[VariableChange, ...] = ()
    back: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def is_needed(self) -> bool:
        return bool(self.changes or self.back)
