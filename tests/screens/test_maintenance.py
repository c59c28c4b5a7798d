"""What `/deploy-maintenance` understands, and what the dialog and the dashboard say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.domain.ids import Actor, DeploymentId, EnvironmentName, ProviderName, ServiceName, StepId
from console.domain.maintenance import MAINTENANCE, MaintenanceWish, OpenPage
from console.domain.observations import EnvironmentStatus
from console.domain.plan import Phase, Plan, Step, StepKind
from console.domain.release import Release
from screens.maintenance import read_argument
from screens.store import Store
from screens.view.environments import environment_rows
from screens.view.plan import small_plan_rows
from screens.view.rows import plain

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PRODUCTION = EnvironmentName("production")
BACKEND = ServiceName("backend")
STEP = Step(
    StepId("x"), "Put up the holding page of backend", StepKind.MAINTAIN, Phase.ROLLOUT, BACKEND, ProviderName("edge")
)
PLAN = Plan(PRODUCTION, MAINTENANCE, Release("a" * 40, "v1.2"), (STEP,), notes=("backend: by the router edge.",))


class TestGivenWhatSomebodyTyped:
    @pytest.mark.parametrize(
        ("typed", "is_up", "meant"),
        [
            ("", False, MaintenanceWish(True)),
            ("", True, MaintenanceWish(False)),
            ("on", True, MaintenanceWish(True)),
            ("off", False, MaintenanceWish(False)),
            ("30m", False, MaintenanceWish(True, NOW + timedelta(minutes=30))),
            ("on 2h", False, MaintenanceWish(True, NOW + timedelta(hours=2))),
            ("tomorrow", False, None),
            ("off 30m", True, None),
        ],
    )
    def test_then_it_is_understood_or_refused(self, typed: str, is_up: bool, meant: MaintenanceWish | None) -> None:
        assert read_argument(typed, is_up=is_up, now=NOW) == meant


class TestGivenAPlan:
    def test_when_shown_then_the_steps_come_before_the_notes(self) -> None:
        said = plain(small_plan_rows(PLAN, "", "", 60))

        assert said.index("Put up the holding page") < said.index("by the router edge")

    def test_when_it_is_refused_then_only_the_reason_is_said(self) -> None:
        said = plain(small_plan_rows(replace(PLAN, refusals=("Nobody can show a page.",)), "", "", 60))

        assert "Nobody can show a page." in said
        assert "Put up" not in said


class TestGivenAnEnvironmentInMaintenance:
    def test_when_the_dashboard_lists_it_then_it_says_so_first(self) -> None:
        store = Store()
        page = OpenPage(BACKEND, NOW, DeploymentId("7f2"), Actor("kim"), NOW + timedelta(minutes=30))
        store.set_environments([EnvironmentStatus(PRODUCTION, "production", pages=(page,))])

        rows = environment_rows(store, NOW, 60, services=False)

        assert plain(rows[1:2]).strip() == "■ maintenance until 12:30 UTC  backend"
