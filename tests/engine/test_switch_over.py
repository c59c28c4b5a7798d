"""The first production deployment: data first, the source closed late, nobody served before every row is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from console.chores.lines import Failed
from console.domain.deployment import Deployment, DeploymentStatus, StepStatus
from console.domain.errors import PlanRejected
from console.domain.events import Control
from console.domain.plan import StepKind, Wish
from console.domain.switch_over import HIDDEN, SWITCH_OVER, SettingChange, SwitchFacts, SwitchWish
from console.engine import planner
from console.engine.engine import Engine
from providers.contract import Action, Desk, Reading
from providers.ensuring import HIDDEN as HIDDEN_SECRET
from providers.ensuring import Sealed, Setting
from tests.engine.chores import ROWS, FakeChores
from tests.engine.world import NEW, OLD, PRODUCTION, World

REFERENCE = "env:DATABASE_URL"
ADDRESS = "postgresql://postgres:pass-0001@db:5432/postgres"


@dataclass(frozen=True)
class CreateBucket:
    project: str
    bucket: str
    public: bool = False


@dataclass(frozen=True)
class SetAuth:
    project: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OfProject:
    project: str


class Moving(World):
    """The usual product, whose data is in a file on the worker's host."""

    def __init__(self, **environment: Any) -> None:
        services = {
            name: place.model_dump(exclude_unset=True)
            for name, place in World().settings.environments["production"].services.items()
        }
        services["database"]["database_url"] = REFERENCE
        self.facts = SwitchFacts(tables={"orders": ROWS}, bytes=5_000_000)
        super().__init__(services=services, **environment)
        self.secrets[REFERENCE] = ADDRESS

    def _furnish(self) -> None:
        super()._furnish()
        self.chores = FakeChores(self.clock)
        self.buckets: dict[str, bool] = {}
        self.auth = {"site_url": "http://localhost", "jwt_exp": "3600"}
        self.platform.desk = Desk(  # type: ignore[attr-defined]  # has none
            {"auth": Reading("Settings.", OfProject, self._fetch_auth)},
            {"create-bucket": self._creating(), "set-auth": self._setting()},
        )

    async def _fetch_auth(self, _: OfProject) -> dict[str, object]:
        return {name: "set" if name == "smtp_pass" else value for name, value in self.auth.items()}

    def _setting(self) -> Action[SetAuth]:
        async def holds(request: SetAuth) -> bool:
            wanted = {**request.settings, **request.secrets}
            return all(self.auth.get(name) == value or value is HIDDEN_SECRET for name, value in wanted.items())

        async def write(request: SetAuth) -> None:
            self.auth |= {**request.settings, **request.secrets}

        sealed = Sealed(SimpleNamespace(guard=lambda values: None), ("secrets",))  # type: ignore[arg-type]  # no network
        setting = Setting(SetAuth, holds=holds, write=write, say=lambda request: "set", sealed=sealed)
        return Action("Set.", SetAuth, setting)

    def _creating(self) -> Action[CreateBucket]:
        async def holds(request: CreateBucket) -> bool:
            return request.bucket in self.buckets

        async def write(request: CreateBucket) -> None:
            self.buckets[request.bucket] = request.public

        made = Setting(CreateBucket, holds=holds, write=write, say=lambda request: f"bucket {request.bucket}")
        return Action("Make a bucket.", CreateBucket, made)

    def _engine_with(self, **others: Any) -> Engine:
        engine = super()._engine_with(**others)
        engine._runner._chores = self.chores
        return engine

    async def switch_over(self, **wish: Any) -> str:
        switch = SwitchWish("/data/app.sqlite", **wish)
        return await self.deploy(strategy=SWITCH_OVER, switch=switch)

    async def preview(self, **wish: Any) -> Any:
        switch = SwitchWish("/data/app.sqlite", **wish)
        return await self.engine.preview(Wish(PRODUCTION, strategy=SWITCH_OVER, release="v2", switch=switch))


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> Moving:
    made = Moving()

    async def fetch(*_: object) -> SwitchFacts:
        return made.facts

    monkeypatch.setattr(planner, "fetch_switch", fetch)
    await made.start()
    return made


def order_of(deployment: Deployment, *kinds: StepKind) -> list[str]:
    """When steps of some kinds began, the first first."""
    states = [state for state in deployment.steps.values() if state.step.kind in kinds and state.started_at]
    return [state.step.id for state in sorted(states, key=lambda state: state.started_at or state.step.id)]


class TestGivenDataInAFile:
    async def test_when_switched_over_then_it_is_all_there_before_anybody_is_served(self, world: Moving) -> None:
        deployment = await world.until_ended(await world.switch_over())

        steps = deployment.steps
        began = order_of(deployment, StepKind.TRANSFER_DATA, StepKind.FENCE_SOURCE, StepKind.MIGRATE, StepKind.SHIFT)
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert began[:4] == ["data.load", "data.fence", "data.rest", "database.migrate"]
        assert world.chores.closed
        assert world.platform.weights["api"] == {"blue": 0, "green": 100}
        assert steps["data.load"].detail == f"{ROWS} rows"  # type: ignore[index]
        assert world.chores.orders[0].secrets == {"address": ADDRESS}
        assert "pass-0001" not in str(world.ledger.events)

    async def test_when_it_has_uploads_then_they_go_before_it_closes_and_what_came_meanwhile_after(
        self, world: Moving
    ) -> None:
        deployment = await world.until_ended(await world.switch_over(files="/data/uploads", bucket="uploads"))

        began = order_of(deployment, *(StepKind(k) for k in ("prepare-bucket", "transfer-files", "fence-source")))
        orders = [order for order in world.chores.orders if order.task == "files"]
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert began == ["database.bucket-uploads", "files.load", "data.fence", "files.rest"]
        assert world.buckets == {"uploads": False}
        assert orders[0].arguments["project"] == "ref"
        assert orders[0].secrets == {"provider": '{"token": "tok-0001"}'}
        assert "tok-0001" not in str(world.ledger.events)

    async def test_while_rows_come_then_the_step_says_how_many_and_how_long(self, world: Moving) -> None:
        deployment_id = await world.switch_over()

        seen = await world.until(deployment_id, lambda d: "300" in d.steps["data.load"].detail)

        assert seen.steps["data.load"].detail == "load orders: 300 of 1,000 (50/s, 12 s left)"  # type: ignore[index]

    async def test_when_it_is_planned_then_it_says_what_comes_and_in_which_order(self, world: Moving) -> None:
        world.facts = SwitchFacts(tables={"orders": ROWS}, bytes=5_000_000, open=("words",), left=("view totals",))

        plan = await world.preview()
        open_plan = await world.preview(leave_open=True)

        told = " ".join(plan.notes)
        assert plan.refusals == ()
        assert [step.id for step in plan.steps if step.phase == "migrate"][:3] == [
            "data.load",
            "data.fence",
            "data.rest",
        ]
        assert "1 tables with 1,000 rows" in told
        assert "view totals" in told
        assert "Nothing can keep writes from words" in told
        assert "data.fence" not in [step.id for step in open_plan.steps]

    async def test_when_something_stands_in_the_way_then_nothing_begins(self, world: Moving) -> None:
        world.facts = SwitchFacts(problem="The names orders are taken over there.")

        with pytest.raises(PlanRejected, match="taken"):
            await world.switch_over()

        with pytest.raises(PlanRejected, match="no service of production with a database_url"):
            await world.switch_over(database="api")
        assert not world.chores.orders


class TestGivenMigrations:
    async def test_when_they_only_add_then_builds_and_trials_come_before_the_source_is_closed(
        self, world: Moving
    ) -> None:
        world.platform.files[NEW]["20260201000000_second.sql"] = "alter table t add note text"

        deployment = await world.until_ended(await world.switch_over())

        ended = {name: state.ended_at for name, state in deployment.steps.items()}
        fenced = deployment.steps["data.fence"].started_at  # type: ignore[index]
        early = ("database.migrate", "api.deploy", "api.health", "front.deploy")
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert [name for name in early if ended[name] > fenced] == []  # type: ignore[index,operator]
        assert order_of(deployment, StepKind.TRANSFER_DATA, StepKind.SHIFT)[:2] == ["data.load", "data.rest"]

    async def test_when_they_change_rows_then_they_wait_for_the_last_of_them_and_the_plan_says_so(
        self, world: Moving
    ) -> None:
        world.platform.files[NEW]["20260201000000_second.sql"] = "update t set note = 'x'"

        plan = await world.preview()

        assert "data.rest" in plan.step("database.migrate").needs
        assert any("Migrations do more than add (UPDATE t)" in note for note in plan.notes)


class TestGivenAProjectToPrepare:
    @pytest.fixture(autouse=True)
    def wanted(self, world: Moving) -> None:
        world.secrets["env:SMTP"] = "smtp-0001"
        changes = (
            SettingChange("site_url", "http://localhost", "https://shop.example"),
            SettingChange("smtp_pass", HIDDEN, "env:SMTP"),
        )
        world.facts = replace(world.facts, auth=changes)

    async def test_when_switched_over_then_its_settings_are_as_declared_before_data_comes(self, world: Moving) -> None:
        plan = await world.preview()
        deployment = await world.until_ended(await world.switch_over())

        began = order_of(deployment, StepKind.PREPARE_PROJECT, StepKind.TRANSFER_DATA)
        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert began == ["database.project-auth", "data.load", "data.rest"]
        assert world.auth == {"site_url": "https://shop.example", "jwt_exp": "3600", "smtp_pass": "smtp-0001"}
        assert "smtp-0001" not in str(world.ledger.events)
        assert any("cannot put back smtp_pass" in note for note in plan.notes)

    async def test_when_it_goes_back_then_they_are_what_they_were(self, world: Moving) -> None:
        world.chores.fails["rest"] = Failed("3 rows differ.", "orders", "Look.")

        deployment = await world.until_ended(await world.switch_over())

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.auth["site_url"] == "http://localhost"

    async def test_when_somebody_changed_one_since_then_nothing_is_set(self, world: Moving) -> None:
        world.auth["site_url"] = "https://somebody.example"

        deployment = await world.until_ended(await world.switch_over())

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.auth == {"site_url": "https://somebody.example", "jwt_exp": "3600"}
        assert not world.chores.orders


class TestGivenItGoesBack:
    async def test_when_rows_are_not_the_same_then_all_goes_back_and_nobody_noticed(self, world: Moving) -> None:
        world.chores.fails["rest"] = Failed("3 rows differ.", "orders", "Look.")

        deployment = await world.until_ended(await world.switch_over())

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert not world.chores.closed
        assert world.chores.arrived == 0
        assert world.platform.changes["shift_traffic"] == 0
        assert world.platform.places["blue"].live == OLD

    async def test_when_somebody_takes_it_back_later_then_what_was_written_is_saved_first(self, world: Moving) -> None:
        deployment_id = (await world.until_ended(await world.switch_over())).id
        world.chores.written = 7

        await world.ask(deployment_id, Control.ROLLBACK)
        deployment = await world.until(deployment_id, lambda d: d.status is DeploymentStatus.ROLLED_BACK)

        last = world.chores.orders[-1]
        back = [state.step for state in deployment.steps.values() if state.step.undoes]
        assert world.chores.saved_rows == 7
        assert last.task == "take-back"
        assert last.arguments["mark"] == "after rest"
        assert last.arguments["transfer"] == "t1"
        assert last.arguments["saved"] == f"/saved/{deployment_id}"
        assert not next(step for step in back if step.kind is StepKind.OPEN_SOURCE).needs
        assert order_of(deployment, StepKind.TAKE_BACK_DATA, StepKind.MIGRATE_DOWN)[-1] == "undo:data.load"
        assert world.platform.places["worker"].live == OLD
        assert world.platform.applied == ["20260101000000"]

    async def test_when_stopped_in_the_middle_then_the_chore_is_ended_and_what_came_goes(self, world: Moving) -> None:
        world.chores.hangs = True
        deployment_id = await world.switch_over()
        await world.until(deployment_id, lambda d: d.steps["data.load"].status is StepStatus.RUNNING)

        await world.ask(deployment_id, Control.ABORT)
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.ROLLED_BACK
        assert world.chores.done == {"take-back": 1}


class TestGivenTheDatabaseIsAway:
    @pytest.mark.parametrize(
        ("minutes", "status"), [(8, DeploymentStatus.SUCCEEDED), (15, DeploymentStatus.ROLLED_BACK)]
    )
    async def test_when_it_comes_back_in_time_then_it_goes_on_and_else_all_goes_back(
        self, world: Moving, minutes: int, status: DeploymentStatus
    ) -> None:
        world.chores.away = world.clock.now() + timedelta(minutes=minutes)
        deployment_id = await world.switch_over()
        seen = await world.until(deployment_id, lambda d: "waiting for" in d.steps["data.load"].detail)

        deployment = await world.until_ended(deployment_id)

        assert "no answer" in seen.steps["data.load"].detail  # type: ignore[index]
        assert deployment.status is status
        assert world.chores.arrived == (ROWS if status is DeploymentStatus.SUCCEEDED else 0)


class TestGivenTheWorkerDies:
    @pytest.mark.parametrize("point", [("intended", 1), ("step-begun", 4), ("step-ended", 5), ("decided", 6)])
    async def test_when_another_takes_over_then_it_goes_on_from_what_is_there(self, world: Moving, point: Any) -> None:
        world.crash_at = point

        deployment = await world.until_ended(await world.switch_over())

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert len(deployment.workers) == 2
        assert world.chores.arrived == ROWS
        assert world.platform.places["worker"].live == NEW

    async def test_when_rows_are_on_their_way_then_the_chore_left_is_ended_and_the_order_repeated(
        self, world: Moving
    ) -> None:
        deployment_id = await world.switch_over()
        await world.until(deployment_id, lambda d: "300" in d.steps["data.load"].detail)
        arrived = world.chores.arrived

        await world.crash()
        deployment = await world.until_ended(deployment_id)

        assert deployment.status is DeploymentStatus.SUCCEEDED
        assert arrived < ROWS
        assert world.chores.ended == ["process 1"]
        assert [order.task for order in world.chores.orders[:2]] == ["load", "load"]
