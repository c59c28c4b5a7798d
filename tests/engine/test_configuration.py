"""A release remembers its variables: they change before it and go back with it, and no value is ever recorded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.domain.codec import to_json
from console.domain.deployment import DeploymentStatus
from console.domain.errors import PlanRejected
from console.domain.events import Control, event_to_json
from console.domain.plan import StepKind, Wish
from console.variables.digest import Masker
from tests.engine.world import PRODUCTION, World

SECRET, OLDER, NEWER = "postgres-pass-0001", "postgres-pass-0000", "postgres-pass-0002"
digest = Masker(b"salt").mask


def product(**variables: dict[str, str]) -> World:
    """The usual product, with variables of the services named."""
    usual: Any = World().settings.environments["production"].services
    services = {name: place.model_dump(exclude_unset=True) for name, place in usual.items()}
    for name, wanted in variables.items():
        services[name]["variables"] = wanted
    return World(services=services)


def kinds(world: World, deployment: str) -> list[str]:
    return [step.kind.value for step in world.deployment(deployment).plan.steps if step.service == "worker"]


def everything_told(world: World) -> str:
    events = [event_to_json(event) for event in world.ledger.events]
    return json.dumps([*events, *(to_json(deployment) for deployment in world.ledger.deployments())])


@pytest.fixture
async def world() -> World:
    made = product(worker={"LEVEL": "info", "DB": "env:DB"}, api={"LEVEL": "info"})
    made.secrets["env:DB"] = SECRET
    made.platform.variables = {"worker": {"LEVEL": "debug", "DB": OLDER, "PORT": "10000"}, "blue": {"LEVEL": "debug"}}
    await made.start()
    return made


class TestGivenVariablesThatAreNotAsWanted:
    async def test_when_deployed_then_they_are_set_before_the_release_and_others_are_left_alone(self, world):
        deployment = await world.until_ended(await world.deploy())

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert world.platform.variables["worker"] == {"LEVEL": "info", "DB": SECRET, "PORT": "10000"}
        assert world.platform.variables["green"] == {"LEVEL": "info"}
        assert world.platform.variables["blue"] == {"LEVEL": "debug"}
        assert kinds(world, deployment.id)[:2] == ["configure", "deploy"]

    async def test_when_deployed_then_the_record_has_what_the_release_ran_with_as_digests_only(self, world):
        deployment = await world.until_ended(await world.deploy())

        records = {record.target: record.digests for record in deployment.configurations}
        assert records["worker"] == {"DB": digest(SECRET), "LEVEL": digest("info"), "PORT": digest("10000")}
        assert records["green"] == {"LEVEL": digest("info")}
        told = everything_told(world)
        assert not any(secret in told for secret in (SECRET, OLDER))

    async def test_when_taken_back_then_what_was_there_returns_before_the_old_release(self, world):
        deployment = await world.until_ended(await world.deploy())
        await world.ask(deployment.id, Control.ROLLBACK)
        back = await world.until(deployment.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert world.platform.variables["worker"] == {"LEVEL": "debug", "DB": OLDER, "PORT": "10000"}
        assert world.platform.variables["green"] == {}
        restored = back.steps["undo:worker.configure"].ended_at
        assert restored <= back.steps["undo:worker.deploy"].started_at
        assert not any(secret in everything_told(world) for secret in (SECRET, OLDER))

    async def test_when_a_variable_is_refused_halfway_then_all_is_as_before(self, world):
        world.platform.refused_variables.add("LEVEL")

        deployment = await world.until_ended(await world.deploy())

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        world.platform.refused_variables.clear()
        assert world.platform.variables["worker"] == {"LEVEL": "debug", "DB": OLDER, "PORT": "10000"}

    async def test_when_everything_is_as_wanted_then_no_step_is_needed(self, world):
        await world.until_ended(await world.deploy())
        again = await world.engine.preview(Wish(PRODUCTION, release="v1", services=("worker",)))

        assert next(step.kind for step in again.steps if step.service == "worker") is StepKind.DEPLOY

    async def test_when_a_reference_leads_nowhere_then_the_deployment_is_refused(self):
        world = product(worker={"DB": "env:DB"})
        await world.start()

        with pytest.raises(PlanRejected) as refused:
            await world.deploy()
        assert "DB: There is no env:DB." in str(refused.value)

    async def test_when_the_secret_changes_between_plan_and_step_then_nothing_is_set(self, world):
        deployment = await world.deploy()
        world.secrets["env:DB"] = NEWER

        ended = await world.until_ended(deployment)

        assert ended.status is not DeploymentStatus.SUCCEEDED
        assert "no longer what the plan says" in ended.steps["worker.configure"].detail
        assert world.platform.variables["worker"]["DB"] == OLDER


class TestGivenASyncByItself:
    async def test_when_done_then_all_places_are_set_and_nothing_is_deployed(self, world):
        ended = await world.until_ended(await world.deploy(strategy="configuration", release=""))

        assert ended.status is DeploymentStatus.SUCCEEDED
        assert {step.kind for step in ended.plan.steps} == {StepKind.CONFIGURE}
        assert world.platform.variables["blue"] == world.platform.variables["green"] == {"LEVEL": "info"}
        assert world.platform.changes["deploy"] == 0

    async def test_when_one_service_fails_then_every_one_is_as_before(self, world):
        world.platform.variables["green"] = {"LEVEL": "debug"}
        world.platform.refused_variables.add("DB")

        ended = await world.until_ended(await world.deploy(strategy="configuration", release=""))

        assert ended.status is DeploymentStatus.ROLLED_BACK
        assert world.platform.variables == {
            "worker": {"LEVEL": "debug", "DB": OLDER, "PORT": "10000"},
            "blue": {"LEVEL": "debug"},
            "green": {"LEVEL": "debug"},
        }

    async def test_when_undone_then_it_is_as_before(self, world):
        before = {target: dict(values) for target, values in world.platform.variables.items()}
        ended = await world.until_ended(await world.deploy(strategy="configuration", release=""))
        await world.ask(ended.id, Control.ROLLBACK)
        await world.until(ended.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert {target: values for target, values in world.platform.variables.items() if values} == before

    async def test_when_nothing_differs_then_it_is_refused(self, world):
        await world.until_ended(await world.deploy(strategy="configuration", release=""))

        with pytest.raises(PlanRejected) as refused:
            await world.deploy(strategy="configuration", release="")
        assert "nothing to set" in str(refused.value)

    async def test_when_a_deployment_came_between_then_its_way_back_is_what_the_old_release_ran_with(self, world):
        await world.until_ended(await world.deploy("v1"))
        world.secrets["env:DB"] = NEWER
        await world.until_ended(await world.deploy(strategy="configuration", release=""))
        assert world.platform.variables["worker"]["DB"] == NEWER

        second = await world.until_ended(await world.deploy("v2"))
        await world.ask(second.id, Control.ROLLBACK)
        await world.until(second.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert world.platform.places["worker"].live == "a" * 40
        assert world.platform.variables["worker"]["DB"] == SECRET

    async def test_when_a_retired_arm_comes_back_then_it_starts_with_what_it_ran_with(self):
        world = product(api={"LEVEL": "env:LEVEL"})
        world.secrets["env:LEVEL"] = "first"
        await world.start()
        await world.until_ended(await world.deploy("v1"))
        world.secrets["env:LEVEL"] = "second"
        await world.until_ended(await world.deploy(strategy="configuration", release=""))
        second = await world.until_ended(await world.deploy("v2"))
        assert world.platform.variables["green"] == {"LEVEL": "second"}
        assert world.platform.places["green"].suspended

        await world.ask(second.id, Control.ROLLBACK)
        back = await world.until(second.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert world.platform.weights["api"] == {"blue": 0, "green": 100}
        assert world.platform.variables["green"] == {"LEVEL": "first"}
        restored = back.steps["undo:api.configure-green"].ended_at
        assert restored <= back.steps["undo:api.decommission"].started_at


class TestGivenAValueThatThePlatformKeepsToItself:
    async def test_when_deployed_then_the_preview_names_what_a_rollback_cannot_put_back(self, world):
        world.platform.hidden.add("DB")
        plan = await world.engine.preview(Wish(PRODUCTION, release="v2"))

        assert any("cannot put back DB" in note for note in plan.notes)
        assert any("DB" in reason for reason in plan.risk.reasons)

    async def test_when_it_was_written_by_us_then_it_is_not_written_again(self, world):
        world.platform.hidden.add("DB")
        first = await world.until_ended(await world.deploy("v1"))
        second = await world.until_ended(await world.deploy("v2"))
        third = await world.engine.preview(Wish(PRODUCTION, release="v1", services=("worker",)))

        assert "configure" in kinds(world, first.id)
        assert "configure" not in kinds(world, second.id)
        assert StepKind.CONFIGURE not in {step.kind for step in third.steps}

    async def test_when_taken_back_then_the_rest_returns_and_it_is_named(self, world):
        world.platform.hidden.add("DB")
        deployment = await world.until_ended(await world.deploy())
        preview = await world.engine.preview_rollback(deployment.id)
        await world.ask(deployment.id, Control.ROLLBACK)
        await world.until(deployment.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert any("DB" in words for words in preview.cannot)
        assert world.platform.variables["worker"] == {"LEVEL": "debug", "DB": SECRET, "PORT": "10000"}


class TestGivenACrash:
    @pytest.mark.parametrize("point", ["intended", "called", "referenced", "operation-ended", "step-begun"])
    @pytest.mark.parametrize("number", [1, 2])
    async def test_when_it_falls_anywhere_then_all_is_set_once_and_goes_back_whole(self, world, point, number):
        before = {target: dict(values) for target, values in world.platform.variables.items()}
        world.crash_at = (point, number)
        ended = await world.until_ended(await world.deploy(strategy="configuration", release=""))
        assert world.platform.variables["worker"] == {"LEVEL": "info", "DB": SECRET, "PORT": "10000"}

        await world.ask(ended.id, Control.ROLLBACK)
        await world.until(ended.id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        assert {target: values for target, values in world.platform.variables.items() if values} == before
