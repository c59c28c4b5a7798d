"""Which backups are kept and which go. Pure.

Of each name: the newest ones, and the newest of each of the last days, weeks and months that have one. Within a day,
a week or a month a verified backup goes before one that nobody has restored. The newest verified one is never removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from console.backups.values import Backup, State


@dataclass(frozen=True)
class Policy:
    """How many of each are kept; 0 keeps none for that reason. All times in UTC."""

    last: int = 7
    daily: int = 7
    weekly: int = 4
    monthly: int = 12


@dataclass(frozen=True)
class Choice:
    """What follows for one backup, with every reason to keep it; without one it goes."""

    backup: Backup
    reasons: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        return bool(self.reasons)


def choose(backups: Iterable[Backup], policy: Policy) -> list[Choice]:
    """Decide about all backups, the newest first; one that is being taken is not spoken of."""
    whole = sorted((one for one in backups if one.state is not State.TAKING), key=lambda one: one.name)
    chosen = [
        choice
        for _, group in groupby(whole, key=lambda one: one.name)
        for choice in _choose(sorted(group, key=lambda one: one.at, reverse=True), policy)
    ]
    return sorted(chosen, key=lambda choice: choice.backup.at, reverse=True)


def _choose(newest_first: Sequence[Backup], policy: Policy) -> Iterable[Choice]:
    good = [one for one in newest_first if one.state is not State.DAMAGED]
    reasons: dict[str, list[str]] = {}
    for one in good[: policy.last]:
        reasons.setdefault(one.id, []).append("last")
    for count, word, period in (
        (policy.daily, "daily", lambda at: at.strftime("%Y-%m-%d")),
        (policy.weekly, "weekly", lambda at: at.strftime("%G-W%V")),
        (policy.monthly, "monthly", lambda at: at.strftime("%Y-%m")),
    ):
        for one in _newest_of_each(good, count, period):
            reasons.setdefault(one.id, []).append(word)
    verified = next((one for one in good if one.is_verified), None)
    if verified is not None:
        reasons.setdefault(verified.id, []).append("the newest verified one")
    for one in newest_first:
        if one.state is State.DAMAGED and (verified is None or verified.at < one.at):
            reasons[one.id] = ["damaged, and nothing newer is verified"]
    return [Choice(one, tuple(reasons.get(one.id, ()))) for one in newest_first]


def _newest_of_each(newest_first: Sequence[Backup], count: int, period: Callable[[datetime], str]) -> Iterable[Backup]:
    best: dict[str, Backup] = {}
    for one in newest_first:
        key = period(one.at.astimezone(UTC))
        if key not in best or (one.is_verified and not best[key].is_verified):
            best[key] = one
    return [best[key] for key in sorted(best, reverse=True)[:count]]
