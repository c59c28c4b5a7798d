"""The steps of a failover, one method each, with what they all repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from console.config.failover import FailoverSettings, MoveSettings, NameSettings, RouteSettings
from console.config.kinds import DATABASE_KINDS
from console.domain.failover import Failover
from console.domain.plan import Phase, Step, StepKind, Undo
from console.domain.release import Release
from console.planning.assembly import wait_for_approvals
from console.planning.draft import SLACK, Draft, health_limit, probe_arguments

VERIFY = "failover.verify"
PROMOTION_STAYS = "Nothing demotes a server that took writes; failing back needs it to be made a standby again."
FENCED = "The old side's database is fenced by then."
LONGEST_WAIT = timedelta(hours=1)
"""For how long the environment is held for the sake of slow resolvers; the time of slower ones is only told."""
REHEARSED = "A rehearsal changes nothing."
UNMEASURED = timedelta(seconds=10)
"""What a step counts for in an expected recovery time while none like it was ever measured."""


@dataclass(frozen=True)
class _Move:
    """How visitors get to the new side, and back; `undo` is None where nobody knows what leads them now."""

    kind: StepKind
    provider: str
    title: str
    arguments: Mapping[str, object]
    undo: Undo | None


class FailoverWriter:
    """Writes the steps of one failover, with what they all repeat. `old` is the side that is left, `new` the other."""

    def __init__(self, draft: Draft, failover: FailoverSettings, asked: Failover) -> None:
        self.draft = draft
        self.failover = failover
        self.asked = asked
        self.facts = draft.live.failover
        here, there = str(draft.wish.environment), failover.to
        self.new, self.old = (here, there) if asked.back else (there, here)
        placed = draft.environment.services
        self.services = [
            name
            for name, placement in placed.items()
            if not placement.migrations and draft.settings.kind_of(name) not in DATABASE_KINDS
        ]

    @property
    def release(self) -> Release:
        """What will serve: the release that most services of the new side run."""
        commits = [self.facts.services[name].commit for name in self.services if name in self.facts.services]
        commit = max(filter(None, commits), key=commits.count, default="")
        return self.draft.release if commit == self.draft.release.commit else Release(commit, commit[:8] or "–")

    @property
    def ttl(self) -> int | None:
        """Seconds that the slowest resolver may keep the old answer; None where no name is moved."""
        kept = [
            self.facts.pointers[name].ttl_s or move.dns.ttl
            for name, move in self.failover.services.items()
            if move.dns is not None and name in self.facts.pointers
        ]
        return max(kept, default=None)

    def steps(self) -> tuple[Step, ...]:
        before = self._approval()
        root = [step.id for step in before]
        checks = [*(self._check_service(name, root) for name in self.services if name in self.facts.services)]
        checks += [self._check_database(name, root) for name in self.failover.databases]
        checked = [step.id for step in checks] or root
        fences = [self._fence(name, checked) for name in self.failover.databases if self._reaches_old(name)]
        fenced = [step.id for step in fences] or checked
        promotions = [self._promote(name, fenced) for name in self.failover.databases]
        promoted = [step.id for step in promotions] or fenced
        moves = [self._move(name, move, promoted) for name, move in self.failover.services.items()]
        verify = self._verify([step.id for step in moves] or promoted)
        waiting = self._await_resolvers(verify)
        return (*before, *checks, *fences, *promotions, *moves, verify, *waiting, *self._announce(verify))

    def rehearse(self, full: Sequence[Step], doubts: Sequence[str]) -> tuple[Step, ...]:
        """The checks alone, and a last step that says what they found and what a failover would take."""
        checks = [step for step in full if step.kind is StepKind.CHECK_STANDBY]
        rest = [step for step in full if step.phase in {Phase.ROLLOUT, Phase.VERIFY}]
        measured = sum((step.forecast or UNMEASURED).total_seconds() for step in rest)
        checks = [self._again(step, needs=()) for step in checks]
        arguments = {
            "rehearse": True,
            "doubts": list(doubts),
            "expected_s": measured,
            "unmeasured": sorted({step.kind.value for step in rest if step.forecast is None}),
        }
        verify = next(step for step in full if step.id == VERIFY)
        told = self._again(verify, needs=[step.id for step in checks], **arguments)
        return (*checks, told)

    def _again(self, step: Step, *, needs: Sequence[str], **arguments: object) -> Step:
        last = step.id == VERIFY
        return self.draft.step(
            step.id,
            "Say what was found, and what a failover would take" if last else step.name,
            step.kind,
            step.phase,
            service=step.service,
            provider=step.provider,
            arguments={**step.arguments, "rehearse": True, **arguments},
            needs=needs,
            no_undo=REHEARSED,
            time_limit=step.time_limit,
        )

    def _reaches_old(self, name: str) -> bool:
        pair = self.facts.databases.get(name)
        return pair is not None and not pair.old.problem

    def _approval(self) -> tuple[Step, ...]:
        return () if self.draft.wish.emergency or self.asked.rehearsal else wait_for_approvals(self.draft)

    def _check_service(self, name: str, needs: Sequence[str]) -> Step:
        service = self.draft.service(name)
        placement = self.draft.settings.environments[self.new].services[name]
        target = self.facts.services[name].target
        url = next((arm.url for arm in placement.places.values() if arm.id == target), "") or placement.url
        health = {"health": probe_arguments(service.health), "url": url} if service.health and url else {}
        return self.draft.step(
            f"{name}.standby",
            f"Check {name} in {self.new}",
            StepKind.CHECK_STANDBY,
            Phase.CHECK,
            service=name,
            provider=service.provider,
            arguments={
                "environment": self.new,
                "target": target,
                "left": self.facts.left.get(name, ""),
                "force": self.asked.force,
                **health,
            },
            needs=needs,
            no_undo="It changes nothing.",
            time_limit=health_limit(service.health) + SLACK if service.health else None,
        )

    def _pair(self, name: str, **more: object) -> dict[str, object]:
        place = {"environment": str(self.draft.wish.environment), "database": name}
        return {**place, "back": self.asked.back, "force": self.asked.force, **more}

    def _check_database(self, name: str, needs: Sequence[str]) -> Step:
        return self.draft.step(
            f"{name}.lag",
            f"Measure how far the standby of {name} is behind",
            StepKind.CHECK_STANDBY,
            Phase.CHECK,
            arguments=self._pair(name, max_lag_s=self.failover.max_lag.total_seconds()),
            needs=needs,
            no_undo="It changes nothing.",
        )

    def _fence(self, name: str, needs: Sequence[str]) -> Step:
        return self.draft.step(
            f"{name}.fence",
            f"Make {name} in {self.old} read-only and end its sessions",
            StepKind.FENCE,
            Phase.ROLLOUT,
            arguments=self._pair(name),
            needs=needs,
            undo=Undo(StepKind.UNFENCE, f"Let {name} in {self.old} take writes again", self._pair(name)),
        )

    def _promote(self, name: str, needs: Sequence[str]) -> Step:
        fence = {"fenced_from": f"{name}.fence"} if self._reaches_old(name) else {}
        return self.draft.step(
            f"{name}.promote",
            f"Promote {name} in {self.new}",
            StepKind.PROMOTE_STANDBY,
            Phase.ROLLOUT,
            arguments=self._pair(name, drain_s=self.failover.max_lag.total_seconds(), **fence),
            needs=needs,
            no_undo=PROMOTION_STAYS,
        )

    def _move(self, name: str, move: MoveSettings, needs: Sequence[str]) -> Step:
        if move.traffic is not None:
            found = self._by_route(name, move.traffic)
        else:
            assert move.dns is not None
            found = self._by_name(name, move.dns)
        undo = found.undo if not self.failover.databases else None
        return self.draft.step(
            f"{name}.move",
            found.title,
            found.kind,
            Phase.ROLLOUT,
            service=name,
            provider=found.provider,
            arguments={**found.arguments, "service": name},
            needs=needs,
            undo=undo,
            no_undo="" if undo else FENCED,
        )

    def _by_route(self, name: str, traffic: RouteSettings) -> _Move:
        old, new = (traffic.standby, traffic.primary) if self.asked.back else (traffic.primary, traffic.standby)
        route = {"router": traffic.router, "route": traffic.route, "service": name}
        before = dict(self.facts.pointers[name].weights) if name in self.facts.pointers else {}
        undo = Undo(StepKind.SHIFT, f"Lead visitors of {name} back to {self.old}", {**route, "weights": before})
        return _Move(
            StepKind.SHIFT,
            traffic.router,
            f"Lead all visitors of {name} to {self.new}",
            {**route, "weights": {old: 0, new: 100}},
            undo if sum(before.values()) == 100 else None,
        )

    def _by_name(self, name: str, dns: NameSettings) -> _Move:
        before, value = (dns.standby, dns.primary) if self.asked.back else (dns.primary, dns.standby)
        record = {"domain": dns.domain, "name": dns.name, "type": dns.type, "ttl": dns.ttl}
        return _Move(
            StepKind.POINT_NAME,
            dns.provider,
            f"Let the name of {name} say {value}",
            {**record, "value": value},
            Undo(StepKind.POINT_NAME, f"Let the name of {name} say {before} again", {**record, "value": before}),
        )

    def _verify(self, needs: Sequence[str]) -> Step:
        return self.draft.step(
            VERIFY,
            f"Verify that {self.new} serves",
            StepKind.VERIFY_FAILOVER,
            Phase.VERIFY,
            arguments={
                "environment": str(self.draft.wish.environment),
                "to": self.new,
                "back": self.asked.back,
                "databases": list(self.failover.databases),
                "probes": [self._probe(name, move) for name, move in self.failover.services.items()],
                "resolvers_s": self.ttl,
                "rto_s": _seconds(self.failover.rto),
                "rpo_s": _seconds(self.failover.rpo),
            },
            needs=needs,
            no_undo="It changes nothing.",
        )

    def _probe(self, name: str, move: MoveSettings) -> dict[str, object]:
        """Behind a router visitors' address is asked; behind a name the new side's own, since resolvers may be late."""
        health = self.draft.service(name).health
        theirs = self.draft.settings.environments[self.new].services[name]
        ours = self.draft.environment.services[name]
        direct = theirs.url or next((arm.url for arm in theirs.places.values()), "")
        url = direct if move.dns else move.url or ours.url or direct
        return {"service": name, "url": url, **({"health": probe_arguments(health)} if health else {})}

    def _await_resolvers(self, verify: Step) -> tuple[Step, ...]:
        if not self.ttl:
            return ()
        wait = min(timedelta(seconds=self.ttl), LONGEST_WAIT)
        return (
            self.draft.step(
                "resolvers",
                f"Wait {wait.total_seconds():.0f} s: resolvers may lead visitors to {self.old} for {self.ttl} s",
                StepKind.AWAIT_RESOLVERS,
                Phase.CLOSE,
                arguments={"old": self.old, "resolvers_s": self.ttl, "wait_s": wait.total_seconds()},
                needs=[verify.id],
                no_undo="It changes nothing.",
                lasts=wait,
                time_limit=wait + SLACK,
            ),
        )

    def _announce(self, verify: Step) -> tuple[Step, ...]:
        source = self.draft.settings.source.provider
        if not source or not self.release.commit:
            return ()
        return (
            self.draft.step(
                "source.announce",
                f"Announce that {self.new} serves",
                StepKind.ANNOUNCE,
                Phase.CLOSE,
                provider=source,
                arguments={
                    "environment": self.new,
                    "production": True,
                    "commit": self.release.commit,
                    "state": "success",
                    "description": f"Failover: {self.new} serves in the place of {self.old}",
                },
                needs=[verify.id],
                no_undo="It only tells.",
            ),
        )


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
