"""Migrations that take something away: never while an older release serves that uses it, forward and back."""

from dataclasses import replace
from typing import Any

import pytest

from console.domain.ids import ServiceName
from console.domain.plan import Plan, StepKind
from console.planning.live import LiveArm, LivePage, LiveService
from console.planning.partial import refuse_partial
from console.planning.rollback import build_rollback
from providers.contract import MigrationFile
from tests.planning.stories import FIRST, NEW, SECOND, Story, live_shop, plan_shop, shop
from tests.planning.test_recreate import is_before, live_with

DROP = MigrationFile(
    "20260916000000", "drop_old", "alter table orders drop column old;", "alter table orders add old int;"
)
LATER = MigrationFile("20260917000000", "add_more", "alter table orders add more text;", "…")
ADDED = {"database.migrate": [SECOND.version]}
PARTED = {**ADDED, "database.contract": [DROP.version]}


def files_by_step(plan: Plan) -> dict[str, list[str]]:
    steps = [step for step in plan.steps if step.kind is StepKind.MIGRATE]
    return {step.id: [file["version"] for file in step.arguments["files"]] for step in steps}  # type: ignore[attr-defined]


def plan(*files: MigrationFile, live: Any = None, **settings: Any) -> Plan:
    return plan_shop(shop(settings), live, (FIRST, *(files or (SECOND, DROP))))


class TestGivenAContractWhileAnOlderReleaseServes:
    def test_when_planned_then_it_comes_once_all_that_is_older_was_stopped(self):
        planned = plan()

        assert files_by_step(planned) == PARTED
        for earlier in ("backend.decommission", "worker.deploy", "frontend.promote", "backend.verify"):
            assert is_before(planned.steps, earlier, "database.contract")
        by_id = {str(step.id): step for step in planned.steps}
        assert not by_id["database.migrate"].arguments["contracts"]
        assert by_id["database.contract"].arguments["contracts"]
        assert any(DROP.version in note and "until no older release serves" in note for note in planned.notes)

    def test_when_it_is_taken_back_then_the_schema_is_whole_before_anything_older_serves(self):
        planned = plan()
        steps = build_rollback(Story(planned).run(planned.steps).deployment)

        for older in ("backend.decommission", "backend.shift-10", "frontend.promote", "worker.deploy"):
            assert is_before(steps, "undo:database.contract", f"undo:{older}"), older
        assert is_before(steps, "undo:worker.deploy", "undo:database.migrate")

    def test_when_a_service_alone_is_taken_back_after_it_then_that_is_refused(self):
        planned = plan()
        story = Story(planned).run(planned.steps)

        words = refuse_partial(story.deployment, (ServiceName("backend"),))
        assert words == "database has taken away what older releases use. Take it back as well."

    @pytest.mark.parametrize(
        ("files", "settings", "words"),
        [
            ((SECOND, DROP), {"contracts": "refuse"}, "contracts is refuse"),
            ((SECOND, DROP), {"keep": "forever"}, "The old arm of backend is never stopped"),
            ((SECOND, DROP, LATER), {}, f"{LATER.version} comes after it"),
        ],
    )
    def test_when_it_cannot_wait_then_the_plan_is_refused_and_says_who_would_fail(self, files, settings, words):
        refusal = next(one for one in plan(*files, **settings).refusals if DROP.version in one)

        assert words in refusal
        assert "(a column is dropped)" in refusal
        assert "backend aaaaaaaa, worker aaaaaaaa, frontend aaaaaaaa still serves" in refusal

    def test_when_some_services_stay_as_they_are_then_it_is_refused(self):
        planned = plan_shop(files=(FIRST, DROP), services=("database", "backend"))

        assert any("Deploy worker, frontend as well." in one for one in planned.refusals)

    def test_when_somebody_wants_it_first_then_it_runs_with_all_others(self):
        planned = plan(contracts="first")

        assert (files_by_step(planned), planned.refusals) == ({"database.migrate": [SECOND.version, DROP.version]}, ())


class TestGivenAContractWhileNobodyOlderServes:
    def test_when_the_same_release_or_nothing_runs_then_it_waits_for_nobody(self):
        same = live_shop(
            backend=LiveService(arms={"blue": LiveArm(NEW, "dep", weight=100), "green": LiveArm()}),
            worker=LiveService(NEW, "dep"),
            frontend=LiveService(),
        )

        assert files_by_step(plan(live=same)) == {"database.migrate": [SECOND.version, DROP.version]}

    def test_when_every_older_one_is_behind_a_holding_page_then_it_waits_for_nobody(self):
        hidden = live_with(worker=LivePage("render", "srv-worker"))
        planned = plan(live=hidden, strategy="recreate")
        worker_seen = plan(live=replace(hidden, pages={}), strategy="recreate")

        assert files_by_step(planned) == {"database.migrate": [SECOND.version, DROP.version]}
        assert files_by_step(worker_seen) == PARTED
        holds = [
            step.arguments["hold_s"]
            for one in (planned, worker_seen)
            for step in one.steps
            if "hold_s" in step.arguments
        ]
        assert holds == [None, 2.0, 2.0]

    def test_when_nothing_is_taken_away_then_all_is_as_ever(self):
        planned = plan(SECOND)

        assert (files_by_step(planned), planned.refusals) == (ADDED, ())
