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
class Outlook:
    """What is not work itself, and so is no part of a plan's digest.

    `waves` has the services in the order in which they go live, those of one wave side by side; `needs` what each waits
    for. `commits` are the first lines of what the release adds, oldest first, None where nobody can say. `spreads`
    tells by step how long the like of it took. `promotion` is the shortest time until everything is done, waits on
    purpose included; `rollback` the longest until all is back, asked for at the very end. `others` are deployments
    under way elsewhere, in words.
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
