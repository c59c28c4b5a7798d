"""Ask whether a pipeline's step is to be done, from what is fixed when the plan is made; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from console.config.conditions import DAYS, Condition
from console.planning.draft import Draft


class Undecidable(Exception):
    """A fact that a condition asks for is not known."""


class Facts:
    """What conditions ask of one deployment.

    Args:
        services: Those that are part of it.
        migrations: Whether there are any to apply.
    """

    def __init__(self, draft: Draft, services: Collection[str], *, migrations: bool) -> None:
        self.environment: str = draft.wish.environment
        self.tier = draft.environment.tier.value
        self.services = services
        self.release = draft.release.name
        self.branch = draft.settings.branch_of(draft.wish.environment)
        self.migrations = migrations
        self.first = not any(draft.live_of(name).live_commit for name in services)
        self.emergency = draft.wish.emergency
        self._at = draft.live.at

    def at(self, zone: str) -> datetime:
        """When the plan is made, there.

        Raises:
            Undecidable: Nobody said.
        """
        if self._at is None:
            raise Undecidable("The time of the plan is not known.")
        return self._at.astimezone(ZoneInfo(zone))


def why_not(condition: Condition, facts: Facts) -> str:
    """Why a condition does not hold, in words; empty when it does.

    Raises:
        Undecidable: It asks for something that is not known.
    """
    return "; ".join(words for holds, words in _lines(condition, facts) if not holds)


def _lines(condition: Condition, facts: Facts) -> Iterator[tuple[bool, str]]:
    """Every line of a condition: whether it holds, and what is so if it does not."""
    if condition.environment is not None:
        yield facts.environment in condition.environment, f"the environment is {facts.environment}"
    if condition.tier is not None:
        yield facts.tier in {tier.value for tier in condition.tier}, f"the tier is {facts.tier}"
    if condition.service is not None:
        present = any(name in facts.services for name in condition.service)
        yield present, f"{' and '.join(condition.service)} {_are(condition.service)} not part of it"
    for word, patterns, value in (
        ("release", condition.release, facts.release),
        ("branch", condition.branch, facts.branch),
    ):
        if patterns is not None:
            yield any(fnmatchcase(value, pattern) for pattern in patterns), f"the {word} is {value or 'not known'}"
    if condition.migrations is not None:
        yield facts.migrations is condition.migrations, f"there are {'' if facts.migrations else 'no '}migrations"
    if condition.first is not None:
        words = "nothing was live before" if facts.first else "something is live already"
        yield facts.first is condition.first, words
    if condition.emergency is not None:
        yield facts.emergency is condition.emergency, f"it is {'an' if facts.emergency else 'no'} emergency"
    yield from _times(condition, facts)
    if condition.not_ is not None:
        yield bool(why_not(condition.not_, facts)), f"it is left out when {describe(condition.not_)}"
    if condition.any is not None:
        reasons = [why_not(one, facts) for one in condition.any]
        yield not all(reasons), " and ".join(dict.fromkeys(reasons))


def _times(condition: Condition, facts: Facts) -> Iterator[tuple[bool, str]]:
    if condition.weekday is not None:
        today = DAYS[facts.at(condition.zone).weekday()]
        yield today in condition.weekday, f"it is {today} in {condition.zone}"
    if condition.between is not None:
        begin, end = condition.between
        now = facts.at(condition.zone).time()
        within = begin <= now < end if begin < end else now >= begin or now < end
        yield within, f"it is {now:%H:%M} in {condition.zone}"


def describe(condition: Condition) -> str:
    """A condition in words."""
    parts = [
        f"{word} is {' or '.join(map(str, values))}"
        for word, values in (
            ("the environment", condition.environment),
            ("the tier", condition.tier and [tier.value for tier in condition.tier]),
            ("the release", condition.release),
            ("the branch", condition.branch),
            ("the day", condition.weekday),
        )
        if values
    ]
    if condition.service is not None:
        parts.append(f"{' or '.join(condition.service)} is part of it")
    parts += [
        words if asked else f"not {words}"
        for asked, words in (
            (condition.migrations, "with migrations"),
            (condition.first, "the first deployment"),
            (condition.emergency, "an emergency"),
        )
        if asked is not None
    ]
    if condition.hours:
        parts.append(f"the time is {condition.hours} in {condition.zone}")
    if condition.not_ is not None:
        parts.append(f"it is not so that {describe(condition.not_)}")
    if condition.any is not None:
        parts.append(" or ".join(map(describe, condition.any)))
    return " and ".join(parts)


def _are(names: Collection[str]) -> str:
    return "are" if len(names) > 1 else "is"
