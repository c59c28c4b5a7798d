"""A service with two arms: prepare the idle one, move traffic to it by stages, then retire the other.

The idle arm runs the new release without traffic until every check of it passed; a rollback needs no start-up because
the other arm keeps running until the whole deployment is verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from console.config.settings import ArmSettings, HealthSettings, TrafficSettings
from console.domain.emergency import Gate
from console.domain.plan import Phase, Step, StepKind, Undo
from console.domain.traffic import split
from console.planning.configuration import ConfigurationSteps, hidden_arguments, plan_memory, plan_place
from console.planning.draft import (
    SLACK,
    Draft,
    Flow,
    chain,
    count_requests,
    health_limit,
    probe_arguments,
    request_arguments,
)
from console.planning.evidence import Evidence
from console.planning.live import LiveService

NO_TRAFFIC = "It gets no traffic once the weights are back."


def plan_arms(draft: Draft, name: str) -> Flow:
    """Write the steps of a service with arms; `traffic` is configured and there are two arms."""
    live = draft.live_of(name)
    busy = [arm for arm, weight in live.weights.items() if weight > 0]
    if live.stable_arm is not None and len(busy) > 1:
        shares = ", ".join(f"{arm} {live.arms[arm].weight} %" for arm in busy)
        return Flow(
            name,
            refusals=(f"{name}: traffic is divided ({shares}). Promote or roll back that rollout first.",),
        )
    arms = draft.placement(name).arms
    stable = live.stable_arm
    candidate = choose_candidate(tuple(arms), live)
    writer = ArmWriter(draft, name, candidate, stable)
    configured = plan_place(draft, name, candidate, Phase.PREPARE)
    remembered = plan_memory(draft, name, stable) if stable else ConfigurationSteps()
    warm = is_warm(draft, live, candidate)
    prepare = chain(writer.look() if warm else [*remembered.steps, *writer.prepare(configured.steps)])
    serve = chain([writer.shift(100)] if warm else writer.serve())
    notes = () if stable else (f"{name}: nothing is live, so {candidate} gets all traffic at once.",)
    if stable and draft.environment.keep == "forever":
        notes = (f"{name}: {stable} keeps running afterwards (keep is forever).",)
    if warm:
        notes = (*notes, f"{name}: {candidate} still runs {draft.release.name}, so it gets all traffic at once.")
    notes = (*configured.notes, *remembered.notes, *notes, *writer.evidence.notes(), *writer.promotion_notes())
    return Flow(
        name,
        prepare=prepare,
        serve=serve,
        verify=chain(writer.verify()),
        retire=writer.retire(),
        notes=notes,
        refusals=configured.refusals,
        candidate_arm=candidate,
        first=stable is None,
    )


def choose_candidate(arms: tuple[str, ...], live: LiveService) -> str:
    """The arm without traffic; where nothing is live, the one the router points at already."""
    if live.stable_arm is not None:
        return next(arm for arm in arms if arm != live.stable_arm)
    return max(arms, key=lambda arm: live.weights.get(arm, 0))


def is_warm(draft: Draft, live: LiveService, candidate: str) -> bool:
    """Whether the release that is returned to still runs on the arm without traffic."""
    arm = live.arms.get(candidate)
    is_there = arm is not None and not arm.suspended and arm.commit == draft.release.commit
    return draft.wish.returns and live.stable_arm is not None and is_there


class ArmWriter:
    """Writes the steps of one service with arms, one method a step, with what they all repeat."""

    def __init__(self, draft: Draft, name: str, candidate: str, stable: str | None) -> None:
        self.draft = draft
        self.name = name
        self.candidate = candidate
        self.stable = stable
        self.settings = draft.service(name)
        self.provider = self.settings.provider
        self.live = draft.live_of(name)
        placement = draft.placement(name)
        self.placement = placement
        self.arms = placement.arms
        if placement.traffic is None:
            raise ValueError(f"{name} has arms but no traffic")
        self.traffic: TrafficSettings = placement.traffic
        self.evidence = Evidence(draft, name, candidate, stable, self.traffic)

    @property
    def target(self) -> ArmSettings:
        return self.arms[self.candidate]

    def prepare(self, configured: Sequence[Step] = ()) -> list[Step]:
        """What was there before never runs with the new variables, so they are set after it was resumed."""
        steps = [self.measure()] if self.evidence.own and not self.draft.passes(Gate.BAKE) else []
        steps += [self.resume()] if self._is_suspended(self.candidate) else []
        steps += [*configured, self.deploy()]
        if self.settings.health is not None and self.target.url:
            steps.append(self.health(self.settings.health))
        if self.settings.integration and self.target.url:
            steps.append(self.integration())
        if self.settings.integration and self.traffic.force_header and self.placement.url:
            steps.append(self.forced_integration())
        compares = self.settings.benchmark is not None and not self.draft.passes(Gate.BENCHMARK)
        if self.stable and compares and self.target.url and self.arms[self.stable].url:
            steps.append(self.benchmark(self.arms[self.stable].url))
        return steps

    def look(self) -> list[Step]:
        """All that a warm arm needs before it gets traffic."""
        return [self.health(self.settings.health)] if self.settings.health is not None and self.target.url else []

    def serve(self) -> list[Step]:
        if self.stable is None or self.draft.passes(Gate.BAKE):
            return [self.shift(100)]
        stages = self.draft.shape_of(self.name).stages
        return [step for stage in stages for step in (self.shift(stage.weight), self.bake(stage.weight))]

    def verify(self) -> list[Step]:
        environment = self.draft.environment
        steps = [self.watch("verify", f"Watch {self.name} at 100 %", environment.verify_time)]
        if self.stable and isinstance(environment.keep, timedelta) and environment.keep:
            steps.append(self.watch("keep", f"Keep {self.stable} of {self.name} warm", environment.keep))
        return steps

    def retire(self) -> tuple[Step, ...]:
        if self.stable is None or self.draft.environment.keep == "forever":
            return ()
        arguments = {"target": self.arms[self.stable].id, "arm": self.stable, "url": self.arms[self.stable].url}
        undo = Undo(StepKind.RESUME, f"Start {self.stable} of {self.name} again", arguments)
        return (
            self.draft.step_of(
                self.name,
                "decommission",
                f"Suspend {self.stable} of {self.name}",
                StepKind.SUSPEND,
                Phase.DECOMMISSION,
                arguments={**arguments, **self._drain(self.stable)},
                undo=undo,
            ),
        )

    def resume(self) -> Step:
        arguments = {"target": self.target.id, "arm": self.candidate}
        drain = self._drain(self.candidate) if self.stable else {}
        undo = Undo(StepKind.SUSPEND, f"Suspend {self.candidate} of {self.name} again", {**arguments, **drain})
        return self.draft.step_of(
            self.name,
            "resume",
            f"Start {self.candidate} of {self.name}",
            StepKind.RESUME,
            Phase.PREPARE,
            arguments=arguments,
            undo=undo,
        )

    def deploy(self) -> Step:
        return self.draft.step_of(
            self.name,
            "deploy",
            f"Deploy {self.draft.release.name} to {self.candidate} of {self.name}",
            StepKind.DEPLOY,
            Phase.PREPARE,
            arguments={
                "target": self.target.id,
                "serve": True,
                "arm": self.candidate,
                **hidden_arguments(self.draft, self.name, self.candidate),
            },
            no_undo=NO_TRAFFIC,
        )

    def health(self, health: HealthSettings) -> Step:
        return self.draft.step_of(
            self.name,
            "health",
            f"Check the health of {self.candidate}",
            StepKind.HEALTH,
            Phase.PREPARE,
            arguments={"url": self.target.url, "arm": self.candidate, **probe_arguments(health)},
            time_limit=health_limit(health),
        )

    def integration(self) -> Step:
        return self.draft.step_of(
            self.name,
            "integration",
            f"Try {self.candidate} with {count_requests(self.settings.integration)}",
            StepKind.INTEGRATION,
            Phase.PREPARE,
            arguments={
                "url": self.target.url,
                "arm": self.candidate,
                "requests": [request_arguments(check) for check in self.settings.integration],
            },
        )

    def forced_integration(self) -> Step:
        """The same requests the way that visitors come, sent to the candidate by a header that the router knows."""
        headers = {self.traffic.force_header: self.candidate}
        checks = self.settings.integration
        return self.draft.step_of(
            self.name,
            "integration-public",
            f"Try {self.candidate} with {count_requests(checks)} through the public address",
            StepKind.INTEGRATION,
            Phase.PREPARE,
            arguments={
                "url": self.placement.url,
                "arm": self.candidate,
                "requests": [{**request_arguments(check), "headers": headers} for check in checks],
            },
        )

    def benchmark(self, baseline_url: str) -> Step:
        benchmark = self.settings.benchmark
        assert benchmark is not None
        return self.draft.step_of(
            self.name,
            "benchmark",
            f"Compare the speed of {self.candidate} and {self.stable}",
            StepKind.BENCHMARK,
            Phase.PREPARE,
            arguments={
                "candidate_url": self.target.url,
                "baseline_url": baseline_url,
                "candidate": self.candidate,
                "baseline": self.stable,
                "path": benchmark.path,
                "requests": benchmark.requests,
                "concurrency": benchmark.concurrency,
                "max_slowdown": benchmark.max_slowdown,
                "slack_s": benchmark.slack.total_seconds(),
                "timeout_s": benchmark.timeout.total_seconds(),
            },
        )

    def shift(self, weight: int) -> Step:
        other = next(arm for arm in self.arms if arm != self.candidate)
        route = {"router": self.traffic.router, "route": self.traffic.route, "service": self.name}
        before = self.live.weights
        known = sum(before.values()) == 100
        back = {**route, "weights": before, **self._guard()}
        undo = Undo(StepKind.SHIFT, f"Give {self.name}'s traffic back", back) if known else None
        return self.draft.step_of(
            self.name,
            f"shift-{weight}",
            f"Give {self.candidate} of {self.name} {weight} % of traffic",
            StepKind.SHIFT,
            Phase.ROLLOUT,
            provider=self.traffic.router,
            arguments={**route, "weights": split(self.candidate, other, weight)},
            undo=undo,
            no_undo="" if undo else "The router had no weights before.",
        )

    def _drain(self, arm: str) -> dict[str, object]:
        """Whom to ask before the arm is stopped, and how long it may take to finish."""
        limit = self.traffic.drain.total_seconds()
        return {
            "drain": {"router": self.traffic.router, "route": self.traffic.route, "arm": arm, "limit_s": limit},
        }

    def _guard(self) -> dict[str, object]:
        """What must hold before traffic returns: an arm that died meanwhile would serve nobody."""
        health = self.settings.health
        if health is None or self.stable is None or not self.arms[self.stable].url:
            return {}
        return {"guard": {"arm": self.stable, "url": self.arms[self.stable].url, **probe_arguments(health)}}

    def bake(self, weight: int, length: timedelta | None = None) -> Step:
        environment = self.draft.environment
        limit = environment.limits.approval
        held = self.draft.shape_of(self.name).bake_time_at(weight) if length is None else length
        return self.draft.step_of(
            self.name,
            f"bake-{weight}",
            f"Hold {self.name} at {weight} % and judge",
            StepKind.BAKE,
            Phase.ROLLOUT,
            provider=self.traffic.router,
            arguments={**self.evidence.watching(held, weight), **self._promotion(weight)},
            lasts=held,
            time_limit=held + environment.judge.hold + SLACK + (limit if self._is_manual(weight) else timedelta()),
        )

    def _is_manual(self, weight: int) -> bool:
        """Whether a stage waits for a person though it passed; at 100 there is nothing to promote it to."""
        return weight < 100 and self.draft.shape_of(self.name).is_manual and not self.draft.passes(Gate.PROMOTION)

    def _promotion(self, weight: int) -> dict[str, object]:
        limit = self.draft.environment.limits.approval
        return {"manual": True, "promotion_s": limit.total_seconds()} if self._is_manual(weight) else {}

    def promotion_notes(self) -> tuple[str, ...]:
        """That somebody is waited for, which no forecast counts."""
        if self.stable is None or self.draft.passes(Gate.BAKE) or not self._is_manual(0):
            return ()
        after = "then goes on" if self.draft.environment.judge.undecided == "promote" else "then is taken back"
        hours = self.draft.environment.limits.approval.total_seconds() / 3600
        return (f"{self.name}: each stage below 100 % that passes waits for `promote`, {hours:g} h at most; {after}.",)

    def watch(self, word: str, title: str, length: timedelta) -> Step:
        return self.draft.step_of(
            self.name,
            word,
            title,
            StepKind.VERIFY,
            Phase.VERIFY,
            provider=self.traffic.router,
            arguments=self.evidence.watching(length, 100),
            lasts=length,
            time_limit=length + SLACK,
        )

    def measure(self) -> Step:
        return self.draft.step_of(
            self.name,
            "measure",
            f"Measure {self.evidence.names()} of {self.name} once",
            StepKind.MEASURE,
            Phase.PREPARE,
            arguments=self.evidence.measuring(),
        )

    def _is_suspended(self, arm: str) -> bool:
        return arm in self.live.arms and self.live.arms[arm].suspended
