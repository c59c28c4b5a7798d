"""What a plan is about besides its steps: what belongs together, what changes, how long at best and at worst."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from console.domain.ids import ServiceName, StepId


@dataclass(frozen=True)
class Spread:
    """How long something took when it was done before, `times` of them."""

    times: int
    shortest: timedelta
    longest: timedelta


@dataclass(frozen=True)
class VariableNames:
    """Names of the variables that change at one place; `arm` is empty for a service in one place."""

    service: ServiceName
    arm: str = ""
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bound:
    """A length of time added up along a path. `unknown` counts the steps of it that nothing like was ever done of."""

    length: timedelta
    unknown: int = 0


@dataclass(frozen=True)
class Takeover:
    """What a failover should come to, asked for now. Lengths are seconds.

    `rto_s` counts from the end of the approvals to the standby's verified answers; steps of the kinds in `unmeasured`
    were never measured and count `assumed_s` each. `lag_s` is what the standby lacks, None where nobody can say; with
    `fenced` nothing of it is lost, since the old side stops writing and the standby is waited for.
    """

    rto_s: float
    unmeasured: tuple[str, ...] = ()
    assumed_s: float = 0.0
    lag_s: float | None = 0.0
    fenced: bool = True
    promised_rto_s: float | None = None
    promised_rpo_s: float | None = None
    resolvers_s: int | None = None


@dataclass(frozen=True)
class Outlook:
    """What is not work itself, and so is no part of a plan's digest.

    `waves` has the services in the order in which they go live, those of one wave side by side; `needs` what each waits
    for. `commits` are the first lines of what the release adds, oldest first, None where nobody can say. `spreads`
    tells by step how long the like of it took. `promotion` is the shortest time until everything is done, waits on
    purpose included; `rollback` the longest until all is back, asked for at the very end. `others` are deployments
    under way elsewhere, in words. `takeover` is what a failover should come to.
    """

    waves: tuple[tuple[ServiceName, ...], ...] = ()
    needs: Mapping[ServiceName, tuple[ServiceName, ...]] = field(default_factory=dict)
    commits: tuple[str, ...] | None = None
    variables: tuple[VariableNames, ...] = ()
    migrations: tuple[str, ...] = ()
    spreads: Mapping[StepId, Spread] = field(default_factory=dict)
    promotion: Bound | None = None
    rollback: Bound | None = None
    others: tuple[str, ...] = ()
    takeover: Takeover | None = None
