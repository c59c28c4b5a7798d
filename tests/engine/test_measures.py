"""Metrics of the operator's in a whole deployment: measured before traffic moves, then in every stage."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from console.config.pipelines import parse_pipeline
from console.config.settings import Settings
from console.domain.deployment import DeploymentStatus, StepStatus
from console.domain.errors import Rejected, Unreachable
from console.domain.events import Control
from console.domain.plan import StepKind
from console.watch.feeds.queries import moments
from providers.contract import Capabilities, Crash, Sample
from tests.engine.instances import EVEN, WithInstances
from tests.engine.virtual_clock import VirtualClock
from tests.engine.world import World

METRIC = {"source": "prometheus", "query": 'failures{arm="{arm}"}', "period": "5s"}


class FakeStore:
    """A store of measurements: `values` by query, and `silent_until` a moment."""

    kind = "prometheus"
    name = "store"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.values: dict[str, float] = {}
        self.unknown = ""
        self.silent_until: datetime | None = None
        self.capabilities = Capabilities(queries=self)

    async def fetch_value(self, query: str) -> Sample | None:
        self._check(query)
        return Sample(self.clock.now(), self.values[query]) if query in self.values else None

    async def fetch_series(self, query: str, since: datetime, until: datetime, step: timedelta) -> list[Sample]:
        self._check(query)
        return [Sample(at, self.values[query]) for at in moments(since, until, step)] if query in self.values else []

    def _check(self, query: str) -> None:
        self.clock.touch()
        if self.unknown and self.unknown in query:
            raise Rejected("store", f"Prometheus refused: parse error near {self.unknown!r}", "", "Correct the query.")
        if self.silent_until is not None and self.clock.now() < self.silent_until:
            raise Unreachable("store", "Prometheus does not answer.")

    async def close(self) -> None:
        pass


class MeasuredWorld(World):
    def __init__(self, metrics: dict[str, dict[str, Any]], **environment: Any) -> None:
        super().__init__(**environment)
        self.store = FakeStore(self.clock)
        data = self.settings.model_dump(by_alias=True)
        data["providers"]["store"] = {"kind": "prometheus", "base_url": "http://store"}
        data["environments"]["production"]["metrics"] = metrics
        self.settings = Settings.model_validate(data)
        self.engine = self._engine_with(store=self.store)

    def given(self, **values: float) -> None:
        self.store.values = {f'failures{{arm="{arm}"}}': value for arm, value in values.items()}


async def measured(**metric: object) -> MeasuredWorld:
    world = MeasuredWorld({"failures": {**METRIC, **metric}})
    await world.start()
    world.given(blue=10.0, green=10.0)
    return world


def step_of(deployment, kind: StepKind):
    return next(state for state in deployment.steps.values() if state.step.kind is kind)


def judged(deployment):
    """Verdicts on the stages of the service with two arms."""
    return [one.verdict for one in deployment.verdicts if one.service == "api" and "share" in one.verdict.evidence]


class TestGivenAMetricOfPrometheus:
    async def test_when_both_arms_are_alike_then_the_release_goes_live(self):
        world = await measured(action="rollback")

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert step_of(ended, StepKind.MEASURE).detail == "Measured of blue: failures 10."
        assert judged(ended)[-1].evidence["metrics"]
        await world.engine.stop()

    async def test_when_the_new_release_is_worse_then_it_is_taken_back_and_the_metric_is_named(self):
        world = await measured(action="rollback")
        world.given(blue=10.0, green=15.0)

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.ROLLED_BACK
        last = judged(ended)[-1]
        assert last.evidence["trigger"] == "metric failures"
        assert "failures of the new release" in last.explanation
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        await world.engine.stop()

    async def test_when_it_passes_its_limit_while_the_other_arm_does_too_then_it_is_not_to_blame(self):
        world = await measured(action="rollback", limit=12.0)
        world.given(blue=15.0, green=15.0)

        ended = await world.until_ended(await world.deploy())

        assert [record.verdict for record in ended.verdicts if record.verdict.is_fail] == []
        await world.engine.stop()


class TestGivenAMetricThatNeverEvaluates:
    @pytest.mark.parametrize(("unknown", "words"), [("failures", "parse error"), ("", "no series of blue")])
    async def test_when_it_is_deployed_then_nothing_is_changed_and_the_words_are_the_stores(self, unknown, words):
        world = await measured()
        world.store.unknown, world.store.values = unknown, {}

        ended = await world.until_ended(await world.deploy())

        state = step_of(ended, StepKind.MEASURE)
        assert state.status is StepStatus.FAILED
        assert words in state.detail
        assert "failures never evaluated" in state.detail
        assert world.platform.changes["deploy"] == 0 or world.platform.weights["api"]["blue"] == 100
        assert world.platform.weights["api"] == {"blue": 100, "green": 0}
        await world.engine.stop()

    async def test_when_the_store_is_back_within_a_minute_then_it_goes_on(self):
        world = await measured()
        world.store.silent_until = world.clock.now() + timedelta(seconds=30)

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED
        await world.engine.stop()


class TestGivenThatTheCandidateIsNotMeasured:
    async def test_when_a_stage_is_over_then_it_is_held_and_not_passed(self):
        world = await measured()
        world.given(blue=10.0)
        deployment = await world.deploy()

        held = await world.until(
            deployment,
            lambda d: any(s.status is StepStatus.WAITING and s.step.kind is StepKind.BAKE for s in d.steps.values()),
        )

        assert judged(held)[-1].evidence["trigger"] == "not measured"
        assert world.platform.weights["api"]["green"] == 10
        world.given(blue=10.0, green=10.0)
        assert (await world.until_ended(deployment)).status is DeploymentStatus.SUCCEEDED
        await world.engine.stop()


class TroubledWorld(World):
    """The platform also tells of crashes; the new release's instances crash once it has traffic."""

    def __init__(self, **environment: Any) -> None:
        super().__init__(**environment)
        self.crashes: list[Crash] = []
        self.platform.capabilities = replace(self.platform.capabilities, crashes=self)

    async def fetch_crashes(self, target: str, since: datetime) -> list[Crash]:
        self.clock.touch()
        return self.crashes if target == "green" else []

    async def crash_at_ten_percent(self):
        """Let an instance crash in the first stage; the deployment's id."""
        await self.start()
        deployment = await self.deploy()
        await self.until(deployment, lambda d: d.steps["api.bake-10"].status is StepStatus.RUNNING)
        self.crashes.append(Crash("1", self.clock.now(), "out of memory"))
        return deployment


class TestGivenAnInstanceThatCrashes:
    async def test_when_nothing_is_configured_then_the_release_is_taken_back_with_the_reason(self):
        world = TroubledWorld()

        ended = await world.until_ended(await world.crash_at_ten_percent())

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert judged(ended)[-1].evidence["trigger"] == "crash"
        assert "out of memory" in ended.rollback.reason
        await world.engine.stop()

    async def test_when_it_is_only_to_pause_then_a_person_may_let_it_go_on(self):
        world = TroubledWorld(judge={"interval": "10s", "on_crash": "pause"})
        deployment = await world.crash_at_ten_percent()
        held = await world.until(deployment, lambda d: d.steps["api.bake-10"].status is StepStatus.WAITING)
        assert held.steps["api.bake-10"].detail.startswith("paused: An instance of the new release (green) crashed")

        await world.ask(deployment, Control.PROMOTE)

        assert (await world.until_ended(deployment)).status is DeploymentStatus.SUCCEEDED
        await world.engine.stop()


class MeasuredInstances(MeasuredWorld, WithInstances):
    """The API as three instances behind the router."""


class TestGivenInstancesBehindARouter:
    async def test_when_an_updated_one_is_worse_than_one_that_is_not_then_all_is_taken_back(self):
        world = MeasuredInstances({"failures": {**METRIC, "action": "rollback"}}, bake_time="2m")
        await world.start()
        world.given(a=15.0, b=15.0, c=10.0)

        ended = await world.until_ended(await world.deploy())

        assert step_of(ended, StepKind.MEASURE).detail == "Measured of c: failures 10."
        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert judged(ended)[-1].evidence["trigger"] == "metric failures"
        assert world.platform.weights["api"] == EVEN
        await world.engine.stop()

    async def test_when_none_is_worse_then_each_batch_is_measured_and_the_release_goes_live(self):
        world = MeasuredInstances({"failures": {**METRIC, "action": "rollback"}})
        await world.start()
        world.given(a=10.0, b=10.0, c=10.0)

        ended = await world.until_ended(await world.deploy())

        assert ended.status is DeploymentStatus.SUCCEEDED, ended.failure
        await world.engine.stop()


class TestGivenAPipelineOfTheOperators:
    async def test_when_a_metric_never_evaluates_then_it_ends_before_traffic_moves(self, tmp_path):
        world = await measured()
        steps = [
            {"id": "build", "kind": "deploy", "service": "api"},
            {"id": "some", "kind": "shift", "service": "api", "weight": 10, "needs": ["build"]},
            {"id": "hold", "kind": "bake", "service": "api", "duration": "1m", "needs": ["some"]},
            {"id": "all", "kind": "shift", "service": "api", "weight": 100, "needs": ["hold"]},
        ]
        pipeline, faults = parse_pipeline({"steps": steps}, world.settings.services, world.settings.environments)
        assert pipeline is not None, faults
        world.settings = world.settings.located_at(tmp_path / "config.toml", {"own": pipeline})
        await world.engine.stop()
        world.engine = world._engine_with(store=world.store)
        await world.engine.start()
        world.store.values = {}

        ended = await world.until_ended(await world.deploy(strategy="pipeline:own"))

        assert "failures never evaluated" in step_of(ended, StepKind.MEASURE).detail
        assert ended.steps["build"].started_at is None
        assert not ended.traffic
        await world.engine.stop()
