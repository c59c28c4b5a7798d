"""A platform at its worst, a release that turns bad late, and what must hold of both whatever happens.

What a platform took on happens at its own time, looked at or not, one after the other at each place.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from console.domain.deployment import Deployment, DeploymentStatus, StepState, StepStatus
from console.domain.errors import RateLimited, Rejected, UnexpectedReply, Unreachable
from console.domain.events import (
    Control,
    DeploymentSucceeded,
    OperationIntended,
    RollbackRequested,
    StepFailed,
    StepStarted,
    TrafficShifted,
)
from console.domain.ids import DeploymentId
from console.domain.plan import Phase, StepKind
from console.engine.emergencies import FRAMING
from providers.contract import Operation, OperationKey, OperationStatus, ProbeRequest, ProbeResult
from tests.engine.fake_platform import Asked, FakePlatform
from tests.engine.world import NEW, OLD, World

SECOND_MIGRATION = "20260201000000"
PLACING = frozenset({StepKind.DEPLOY, StepKind.PROMOTE, StepKind.ROLL_BACK_RELEASE})
JUDGING = frozenset({StepKind.BAKE, StepKind.VERIFY})
HEALTH = "health"
UNSETTLING = frozenset({"deploy", "promote", "roll_back", "suspend", "resume", "restart"})
"""Kinds of wishes after which nobody knows whether a place is well."""

NEVER = datetime.max.replace(tzinfo=UTC)
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
    """`answers` holds what comes next, by kind of wish; `wrongs` says what it was asked for and never should have been.

    `is_recorded` tells whether a key is on record at the moment at which the platform hears of it.
    """

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.answers: dict[str, deque[Answer]] = defaultdict(deque)
        self.forgotten: set[str] = set()
        self.cancelled: set[str] = set()
        self.wrongs: list[str] = []
        self.is_recorded: Callable[[str], bool] = lambda key: True
        self._busy_until: dict[object, Any] = {}
        self._well: set[str] = set()

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

    async def probe(self, request: ProbeRequest) -> ProbeResult:
        self.catch_up()
        result = await super().probe(request)
        place, _, path = request.url.removeprefix("http://").partition("/")
        if path == HEALTH:
            (self._well.add if result.ok else self._well.discard)(place)
        return result

    def _check_up(self, kind: str) -> None:
        self.catch_up()
        super()._check_up(kind)

    def begin(self, kind: str, request: Any, key: OperationKey) -> Operation:
        if not self.is_recorded(key.text):
            self.wrongs.append(f"{kind} came before it was on record: {key.text}")
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
        """A place does one thing after the other; what changes there has to show anew that it is well."""
        if kind == "shift_traffic" and request.route not in self.pages:
            now = self.weights[request.route]
            self._want_well(arm for arm, weight in request.weights.items() if weight and not now.get(arm))
        if kind == "maintain" and not request.on and request.target in self.pages:
            self._want_well(arm for arm, weight in self.weights[request.target].items() if weight)
        asked = super()._take_on(kind, request)
        place = getattr(request, "target", kind)
        waits = max(self._busy_until.get(place, self.clock.now()) - self.clock.now(), timedelta(0))
        asked.ends_at += waits
        self._busy_until[place] = asked.ends_at
        if kind in UNSETTLING:
            self._well.discard(place)
        return asked

    def _want_well(self, arms: Iterable[str]) -> None:
        """Requests reach these arms from now on; what stands behind a holding page is reached by none."""
        self.wrongs += [f"{arm} gets requests, not seen to be well since it changed" for arm in set(arms) - self._well]


class HostileWorld(World):
    """A world whose platform misbehaves, and the laws that it must not break."""

    platform: HostilePlatform
    turned_bad_at: datetime = NEVER

    def turn_bad(self) -> None:
        """The good release begins to err, wherever it runs."""
        if NEW not in self.platform.error_rates:
            self.platform.error_rates[NEW] = 0.2
            self.turned_bad_at = self.clock.now()

    def _furnish(self) -> None:
        self.platform = HostilePlatform(self.clock)
        self.platform.is_recorded = self._is_recorded
        super()._furnish()

    def _is_recorded(self, key: str) -> bool:
        return any(isinstance(e.payload, OperationIntended) and e.payload.key == key for e in self.ledger.events)

    @property
    def deployments(self) -> list[Deployment]:
        """In the order in which they were begun."""
        return sorted(self.ledger.deployments(), key=lambda d: d.id)

    @property
    def active(self) -> list[Deployment]:
        return [d for d in self.deployments if not d.is_terminal]

    def check_at_any_time(self) -> None:
        """One deployment at most, nothing done that was not on record first, and nobody sent to what does not run."""
        self.platform.catch_up()
        assert len(self.active) <= 1, [d.id for d in self.active]
        assert not self.platform.wrongs, self.platform.wrongs
        payloads = [(e.deployment, e.payload) for e in self.ledger.events]
        intended = [(name, p) for name, p in payloads if isinstance(p, OperationIntended)]
        assert self.platform.keys <= {p.key for _, p in intended}
        attempts = Counter((name, p.step) for name, p in payloads if isinstance(p, StepStarted))
        wishes = Counter((name, p.step) for name, p in intended)
        assert not wishes - attempts, f"asked for more than once in one attempt: {wishes - attempts}"
        wrong = [*self._steps_begun_on_the_way_back(), *self._begun_without_leave(), *self._asked_anew()]
        assert not wrong, wrong
        for arm in self.arms_with_traffic():
            place = self.platform.places[arm]
            assert place.live, f"{arm} has traffic and nothing runs there"
            assert not place.suspended, f"{arm} has traffic and is suspended"

    def _steps_begun_on_the_way_back(self) -> Iterator[str]:
        """Steps of the plan that began after a rollback was asked for, later than at the very same moment."""
        asked: dict[str, datetime] = {}
        for event in self.ledger.events:
            match event.payload:
                case RollbackRequested():
                    asked.setdefault(event.deployment, event.at)
                case StepStarted(step) if event.deployment in asked and event.at > asked[event.deployment]:
                    if self.deployment(event.deployment).steps[step].step.phase is not Phase.ROLLBACK:
                        yield f"{event.deployment} {step}"

    def _begun_without_leave(self) -> Iterator[str]:
        """Deployments that began to change things unapproved, or after their emergency permission had ended."""
        for deployment in self.deployments:
            planned = [deployment.steps[step.id] for step in deployment.plan.steps]
            begun = [s.started_at for s in planned if s.started_at and s.step.kind not in FRAMING]
            if not begun:
                continue
            first, emergency = min(begun), deployment.emergency
            approved = [c.at for c in deployment.controls if c.control is Control.APPROVE]
            if any(s.step.kind is StepKind.APPROVAL for s in planned) and min(approved, default=NEVER) > first:
                yield f"{deployment.id} was never approved"
            if emergency and emergency.expires_at and first > emergency.expires_at:
                yield f"{deployment.id} began after {emergency.expires_at}"

    def _asked_anew(self) -> Iterator[str]:
        """Wishes made with another key while nobody knew what had come of the first."""
        unknown: set[tuple[str, str]] = set()
        for event in self.ledger.events:
            match event.payload:
                case OperationIntended(step):
                    if (event.deployment, step) in unknown:
                        yield f"{event.deployment} {step} was asked for anew"
                    unknown.add((event.deployment, step))
                case StepFailed(step, settled=True):
                    unknown.discard((event.deployment, step))
                case RollbackRequested():
                    unknown = {one for one in unknown if one[0] != event.deployment}

    def needs_leave(self, deployment: DeploymentId) -> bool:
        """Whether an emergency under way would have to be allowed anew before anything of it is taken up."""
        seen = self.deployment(deployment)
        if seen.emergency is None or seen.is_terminal or seen.rollback is not None:
            return False
        return seen.emergency.has_expired(self.clock.now())

    def arms_with_traffic(self) -> list[str]:
        return [arm for arm, weight in self.platform.weights["api"].items() if weight]

    async def check_at_the_end(self) -> None:
        """Everything is what the record says, and nothing of it is an unhealthy or unknown release."""
        self.platform.catch_up()
        assert await self.ledger.locks() == ()
        ended = {d.id: d.status for d in self.deployments}
        assert DeploymentStatus.FAILED not in ended.values(), [d.failure for d in self.deployments]
        standing = [d for d in self.deployments if any(_stands(d, StepKind.SHIFT, "api"))]
        commit = standing[-1].plan.release.commit if standing else OLD
        self.check_traffic(commit, ended)
        if self.platform.error_rates.get(commit):
            assert commit == NEW, "an erring release got through"
            assert self._judged_until(standing[-1]) <= self.turned_bad_at + SEEN_WITHIN, "it turned bad and got through"
        for name, places in self.others.items():
            placed = [d.plan.release.commit for d in self.deployments if any(_stands(d, PLACING, name))]
            for place in places:
                assert self.platform.places[place].live == (placed[-1] if placed else OLD), (place, ended)
        for deployment in self.deployments:
            _check_whole(deployment)
        self._check_schema()
        told = [e.payload.weights for e in self.ledger.events if isinstance(e.payload, TrafficShifted)]
        if told:
            assert told[-1] == self.platform.weights["api"], (told, ended)

    @property
    def others(self) -> Mapping[str, Sequence[str]]:
        """Where services run that no router divides."""
        return {"worker": ("worker",), "front": ("front",)}

    def check_traffic(self, commit: str, ended: Mapping[str, DeploymentStatus]) -> None:
        (arm,) = self.arms_with_traffic()
        assert self.platform.places[arm].live == commit, ended

    def _check_schema(self) -> None:
        """Applied once, no longer than its deployment stands, and there for every release that needs it."""
        applied = self.platform.applied
        assert len(set(applied)) == len(applied)
        stands = [d for d in self.deployments if any(_stands(d, StepKind.MIGRATE, "database"))]
        changed = [d for d in stands if any(s.outputs.get("applied") for s in _stands(d, StepKind.MIGRATE, "database"))]
        assert (SECOND_MIGRATION in applied) == bool(changed), (applied, {d.id: d.status for d in self.deployments})
        served = {self.platform.places[arm].live for arm in self.arms_with_traffic()}
        served |= {self.platform.places[place].live for places in self.others.values() for place in places}
        assert SECOND_MIGRATION in applied or served == {OLD}, f"{served} run without their schema"

    def _judged_until(self, deployment: Deployment) -> datetime:
        """When it went live for good, or, where it was cut short, when the last look at its requests ended."""
        events = [e for e in self.ledger.events if e.deployment == deployment.id]
        succeeded = [e.at for e in events if isinstance(e.payload, DeploymentSucceeded)]
        looked = [
            state.ended_at for state in deployment.steps.values() if state.step.kind in JUDGING and state.ended_at
        ]
        return succeeded[0] if succeeded else max(looked)


def _stands(deployment: Deployment, kinds: Any, service: str) -> Iterator[StepState]:
    """The last step of the plan that does such a thing for a service, if it was done and not taken back."""
    wanted = kinds if isinstance(kinds, frozenset) else {kinds}
    steps = [step for step in deployment.plan.steps if step.kind in wanted and step.service == service]
    state = deployment.steps[steps[-1].id] if steps else None
    if state is not None and state.status is StepStatus.SUCCEEDED:
        yield state


def _check_whole(deployment: Deployment) -> None:
    """Gone live as a whole, or back as a whole, or back as far as somebody asked."""
    states = [deployment.steps[step.id] for step in deployment.plan.steps]
    needless = {s.step.undoes for s in deployment.steps.values() if s.status is StepStatus.SKIPPED}
    left = [s for s in states if s.step.undo is not None and s.was_begun and s.step.id not in needless]
    rollback = deployment.rollback
    match deployment.status:
        case DeploymentStatus.SUCCEEDED:
            assert all(s.status in {StepStatus.SUCCEEDED, StepStatus.SKIPPED} for s in states)
        case DeploymentStatus.ROLLED_BACK if rollback is not None and rollback.services:
            left = [s for s in left if s.step.service in rollback.services]
            assert not left, f"not taken back: {[s.step.id for s in left]}"
        case _:
            assert not left, f"not taken back: {[s.step.id for s in left]}"
