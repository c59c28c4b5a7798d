"""A platform at its worst, a release that turns bad late, and what must hold of both whatever happens.

What a platform took on happens at its own time, looked at or not, one after the other at each place.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from console.domain.deployment import Deployment, DeploymentStatus
from console.domain.errors import RateLimited, Rejected, UnexpectedReply, Unreachable
from console.domain.events import OperationIntended, StepStarted
from providers.contract import Operation, OperationKey, OperationStatus
from tests.engine.fake_platform import Asked, FakePlatform
from tests.engine.world import NEW, OLD, World

FIRST_MIGRATION = "20260101000000"
SLOW = timedelta(minutes=20)
"""Longer than any step may take."""

SEEN_WITHIN = timedelta(seconds=15)
"""A release that turns bad is found within this time; it may have gone live for good until then."""


class Answer(StrEnum):
    """What a platform does with the next wish of a kind instead of doing it and saying so."""

    LOST = "it is done, and the answer is lost"
    GARBAGE = "it is done, and the answer cannot be read"
    REFUSED = "nothing is done, and it says no"
    UNREACHABLE = "nothing is done, and nobody answers"
    RATE_LIMITED = "nothing is done, later perhaps"
    FAILED = "it takes the wish on and fails"
    CANCELLED = "somebody cancels it there"
    FORGOTTEN = "it takes the wish on, then knows nothing of it"
    SLOW = "it takes minutes longer than ever"


class HostilePlatform(FakePlatform):
    """`answers` holds what comes next, by kind of wish."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.answers: dict[str, deque[Answer]] = defaultdict(deque)
        self.forgotten: set[str] = set()
        self.cancelled: set[str] = set()
        self._busy_until: dict[object, Any] = {}

    @property
    def keys(self) -> frozenset[str]:
        """The keys of everything that was ever taken on."""
        return frozenset(self._by_key)

    def catch_up(self) -> None:
        """Let happen what is due, in the order in which it is due."""
        due = [one for one in self._by_reference.values() if not one.done and one.ends_at <= self.clock.now()]
        for asked in sorted(due, key=lambda one: one.ends_at):
            asked.done = True
            if not asked.fails and asked.reference not in self.forgotten:
                asked.effect()

    def _check_up(self, kind: str) -> None:
        self.catch_up()
        super()._check_up(kind)

    def begin(self, kind: str, request: Any, key: OperationKey) -> Operation:
        queue = self.answers[kind]
        if key.text in self._by_key or not queue:
            return super().begin(kind, request, key)
        self._check_up(kind)
        answer = queue.popleft()
        match answer:
            case Answer.REFUSED:
                raise Rejected("fake", f"The platform does not {kind}.")
            case Answer.UNREACHABLE:
                raise Unreachable("fake", "Nobody answers.")
            case Answer.RATE_LIMITED:
                raise RateLimited("fake", "Too many requests.", retry_after=timedelta(seconds=30))
        begun = super().begin(kind, request, key)
        asked = self._by_reference[begun.reference]
        match answer:
            case Answer.LOST:
                raise Unreachable("fake", "The answer was lost.")
            case Answer.GARBAGE:
                raise UnexpectedReply("fake", "The answer has no id.")
            case Answer.FAILED | Answer.CANCELLED if not asked.done:
                asked.fails = "it went wrong there"
                self.cancelled |= {begun.reference} if answer is Answer.CANCELLED else set()
            case Answer.FORGOTTEN if not asked.done:
                self.forgotten.add(begun.reference)
            case Answer.SLOW if not asked.done:
                asked.ends_at += SLOW
                self._busy_until[getattr(request, "target", kind)] = asked.ends_at
        return self.look(begun.reference)

    def look(self, reference: str) -> Operation:
        self.catch_up()
        if reference in self.forgotten:
            return Operation(reference, OperationStatus.LOST, "unknown")
        shown = super().look(reference)
        if shown.status is OperationStatus.FAILED and reference in self.cancelled:
            return Operation(reference, OperationStatus.CANCELLED, "cancelled")
        return shown

    def _take_on(self, kind: str, request: Any) -> Asked:
        """A place does one thing after the other."""
        asked = super()._take_on(kind, request)
        place = getattr(request, "target", kind)
        waits = max(self._busy_until.get(place, self.clock.now()) - self.clock.now(), timedelta(0))
        asked.ends_at += waits
        self._busy_until[place] = asked.ends_at
        return asked


class HostileWorld(World):
    """A world whose platform misbehaves, and the laws that it must not break."""

    platform: HostilePlatform
    turned_bad_at: datetime = datetime.max.replace(tzinfo=UTC)

    def turn_bad(self) -> None:
        """The good release begins to err, wherever it runs."""
        if NEW not in self.platform.error_rates:
            self.platform.error_rates[NEW] = 0.2
            self.turned_bad_at = self.clock.now()

    def _furnish(self) -> None:
        self.platform = HostilePlatform(self.clock)
        super()._furnish()

    @property
    def deployments(self) -> list[Deployment]:
        return sorted(self.ledger.deployments(), key=lambda d: d.id)

    @property
    def active(self) -> list[Deployment]:
        return [d for d in self.deployments if not d.is_terminal]

    def check_at_any_time(self) -> None:
        """One deployment at most, nothing done that was not on record first, and nobody sent to what does not run."""
        self.platform.catch_up()
        assert len(self.active) <= 1, [d.id for d in self.active]
        payloads = [(e.deployment, e.payload) for e in self.ledger.events]
        intended = [(name, p) for name, p in payloads if isinstance(p, OperationIntended)]
        assert self.platform.keys <= {p.key for _, p in intended}
        attempts = Counter((name, p.step) for name, p in payloads if isinstance(p, StepStarted))
        wishes = Counter((name, p.step) for name, p in intended)
        assert not wishes - attempts, f"asked for more than once in one attempt: {wishes - attempts}"
        for arm in self.arms_with_traffic():
            place = self.platform.places[arm]
            assert place.live, f"{arm} has traffic and nothing runs there"
            assert not place.suspended, f"{arm} has traffic and is suspended"

    def arms_with_traffic(self) -> list[str]:
        return [arm for arm, weight in self.platform.weights["api"].items() if weight]

    async def check_at_the_end(self) -> None:
        """Everything is what the record says, and nothing of it is an unhealthy or unknown release."""
        self.platform.catch_up()
        assert await self.ledger.locks() == ()
        ended = {d.id: d.status for d in self.deployments}
        assert DeploymentStatus.FAILED not in ended.values(), [d.failure for d in self.deployments]
        succeeded = [d for d in self.deployments if d.status is DeploymentStatus.SUCCEEDED]
        commit = succeeded[-1].plan.release.commit if succeeded else OLD
        (arm,) = self.arms_with_traffic()
        assert self.platform.places[arm].live == commit, ended
        if self.platform.error_rates.get(commit):
            assert commit == NEW, "an erring release got through"
            assert succeeded[-1].ended_at <= self.turned_bad_at + SEEN_WITHIN, "it turned bad and got through"
        for name in ("worker", "front"):
            assert self.platform.places[name].live == commit, (name, ended)
        assert len(set(self.platform.applied)) == len(self.platform.applied)
        assert (self.platform.applied == [FIRST_MIGRATION]) == (commit == OLD), (self.platform.applied, ended)
        told = [record.weights for d in self.deployments for record in d.traffic]
        if told:
            assert self._last_weights() == self.platform.weights["api"]

    def _last_weights(self) -> Mapping[str, int]:
        records = [record for d in self.deployments for record in d.traffic]
        return max(records, key=lambda record: record.at).weights
