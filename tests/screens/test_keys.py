"""What keys do, through the app and a fake service."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from console.client.service import LogBatch
from console.domain import events as ev
from console.domain.errors import PlanRejected
from console.domain.events import Control
from console.domain.ids import DeploymentId
from console.domain.observations import Confirmation
from console.domain.roles import Role
from screens.confirm import ApprovalDialog, ConfirmDialog
from screens.dashboard import Dashboard
from screens.deploy import DeployScreen
from screens.deployment import DeploymentScreen
from screens.help import HelpScreen
from screens.history import HistoryScreen
from screens.palette import Palette
from screens.report import ReportScreen
from screens.rollback import RollbackDialog
from tests.screens import scene
from tests.screens.conftest import World
from tests.screens.fake_service import FakeService

SIZE = (120, 40)
Make = Callable[..., World]


class TestGivenADeploymentAtTenPercent:
    async def test_when_r_and_then_y_are_pressed_then_a_rollback_is_asked_for_once(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "R")
            assert isinstance(world.app.screen, RollbackDialog)
            assert "v1.5.0 → v1.4.2" in world.text()
            assert "about 21s" in world.text()
            assert "backend: all traffic to blue" in world.text()
            assert "2 expanded columns stay" in world.text()

            await world.press(pilot, "y")

            assert [(d, r.control, r.requested_at) for d, r in world.service.asked] == [
                (scene.FIRST, Control.ROLLBACK, world.now)
            ]
            assert isinstance(world.app.screen, Dashboard)

    async def test_when_y_was_typed_ahead_then_the_dialog_stays_and_nothing_is_asked(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)

            await world.press(pilot, "R")
            world.seconds += 0.29
            await world.press(pilot, "y", typed_ahead=True)

            assert world.service.asked == []
            assert isinstance(world.app.screen, RollbackDialog)

            world.seconds += 0.02
            await world.press(pilot, "y", typed_ahead=True)
            assert len(world.service.asked) == 1

    @pytest.mark.parametrize("key", ["R", "enter", "space", "r", "j"])
    async def test_when_any_other_key_is_pressed_in_the_dialog_then_nothing_happens(
        self, make_world: Make, key: str
    ) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "R", key)

            assert world.service.asked == []
            assert isinstance(world.app.screen, RollbackDialog)

            await world.press(pilot, "escape")
            assert isinstance(world.app.screen, Dashboard)
            assert world.service.asked == []

    async def test_when_another_deployment_begins_under_the_dialog_then_y_is_refused(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "R")
            other = DeploymentId("261122-062200-zz22")
            release = replace(scene.plan().release, name="v1.6.0")
            begun = ev.DeploymentRequested(scene.PRODUCTION, scene.plan(release=release))
            world.service.say(other, begun, world.now)
            await world.settle(pilot)

            assert "another deployment began: v1.6.0" in world.text()
            await world.press(pilot, "y")

            assert world.service.asked == []
            assert "Nothing was done: another deployment began" in world.text()

    async def test_when_somebody_else_rolls_back_under_the_dialog_then_y_is_refused(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "R")
            asked = ev.RollbackRequested(ev.Trigger.MANUAL, "slow", world.now)
            world.service.say(scene.FIRST, asked, world.now, scene.ANN)
            await world.settle(pilot)

            await world.press(pilot, "y")

            assert world.service.asked == []
            assert "already asked for by ann" in world.text()

    async def test_when_no_platform_answers_then_what_is_on_record_is_shown_and_y_acts(self, make_world: Make) -> None:
        world = make_world()
        world.service.platforms_answer = asyncio.Event()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await pilot.press("R")
            for _ in range(20):  # not until everything is answered, which the platforms never do
                await pilot.pause()
                if "Asking the platforms" in world.text():
                    break

            assert "What will happen, traffic first:" in world.text()
            assert "Asking the platforms whether anything" in world.text()

            world.seconds += 0.31
            await pilot.press("y")
            await pilot.pause()
            assert [request.control for _, request in world.service.asked] == [Control.ROLLBACK]
            world.service.platforms_answer.set()
            await world.settle(pilot)

    async def test_when_the_worker_refuses_the_rollback_then_the_dialog_says_why(self, make_world: Make) -> None:
        world = make_world()
        world.service.rollback_refusal = "v1.4.2 is no longer kept at Render."
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "R")
            assert "v1.4.2 is no longer kept at Render." in world.text()

            await world.press(pilot, "y")
            assert world.service.asked == []

    async def test_when_space_is_pressed_then_it_pauses_at_once(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "space")

            assert [request.control for _, request in world.service.asked] == [Control.PAUSE]
            assert "pauses before its next step" in world.text()

    async def test_when_p_is_pressed_then_it_asks_and_y_promotes_the_baking_step(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "p")
            assert isinstance(world.app.screen, ConfirmDialog)
            assert world.service.asked == []

            await world.press(pilot, "y")
            assert [(r.control, r.step) for _, r in world.service.asked] == [(Control.PROMOTE, "bake-10")]

    async def test_when_a_key_is_disabled_then_it_says_why(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "a")

            assert "a approve: nothing waits for approval." in world.text()

    async def test_when_q_is_pressed_then_it_asks_and_says_that_the_deployment_goes_on(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "q")
            assert "It goes on without the console." in world.text()
            assert "v1.5.0 → production" in world.text()

            await world.press(pilot, "n")
            assert world.app.is_running
            assert isinstance(world.app.screen, Dashboard)

            await world.press(pilot, "q")
            world.seconds += 0.5
            await pilot.press("y")
        assert world.app.return_value == 0

    async def test_when_escape_is_pressed_on_the_dashboard_then_it_never_quits(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "escape", "escape", "escape")

            assert world.app.is_running
            assert "q leaves the console" in world.text()

    async def test_when_panes_are_chosen_by_number_then_z_zooms_and_esc_goes_back(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            for number, name in enumerate(("environments", "pipeline", "health", "traffic", "logs"), 1):
                await world.press(pilot, str(number))
                assert world.app.focused is not None
                assert world.app.focused.id == name

            await world.press(pilot, "z")
            assert "Pipeline" not in world.text()
            assert "Logs" in world.text()
            await world.press(pilot, "escape")
            assert "Pipeline" in world.text()

    async def test_when_enter_is_pressed_then_the_deployment_opens_and_esc_comes_back(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "enter")
            assert isinstance(world.app.screen, DeploymentScreen)
            assert "after        backend: 10 % to green" in world.text()

            await world.press(pilot, "k")
            assert "read back: blue 90, green 10" in world.text()
            await world.press(pilot, "escape")
            assert isinstance(world.app.screen, Dashboard)

    async def test_when_the_cursor_moves_to_another_environment_then_the_panes_show_it(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "j")

            assert world.app.selected == "staging"
            assert "Nothing has been deployed here yet." in world.text()

    @pytest.mark.parametrize(
        ("typed", "screen"),
        [
            ("history", HistoryScreen),
            ("report", ReportScreen),
            ("help", HelpScreen),
            ("deploy-rollback", RollbackDialog),
            ("deploy-staging v1.6.0", DeployScreen),
            ("deploy-production", DeployScreen),
        ],
    )
    async def test_when_a_slash_command_is_typed_then_its_screen_opens(
        self, make_world: Make, typed: str, screen: type[object]
    ) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "slash")
            assert isinstance(world.app.screen, Palette)
            for character in typed:
                await pilot.press({" ": "space", "-": "minus", ".": "full_stop"}.get(character, character))
            await world.press(pilot, "enter")

            assert isinstance(world.app.screen, screen)

    async def test_when_a_word_is_completed_with_tab_then_enter_does_it(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "ctrl+p", "h", "i", "tab")
            palette = world.app.screen
            assert isinstance(palette, Palette)
            assert palette.line.value == "/history"

            await world.press(pilot, "enter")
            assert isinstance(world.app.screen, HistoryScreen)

    async def test_when_nothing_is_called_so_then_it_says_so(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "colon", "x", "y", "z", "enter")
            assert "There is no command “xyz”." in world.text()


class TestGivenAStepThatWaitsForApproval:
    async def test_when_a_and_y_are_pressed_then_the_step_is_approved(self, make_world: Make) -> None:
        world = make_world("approval")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "a")
            assert isinstance(world.app.screen, ApprovalDialog)
            assert "Two migrations run." in world.text()

            await world.press(pilot, "y")
            assert [(r.control, r.step) for _, r in world.service.asked] == [(Control.APPROVE, "approval")]

    async def test_when_r_is_pressed_in_the_dialog_then_it_is_rejected(self, make_world: Make) -> None:
        world = make_world("approval")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "a", "r")
            assert [request.control for _, request in world.service.asked] == [Control.REJECT]


class TestGivenAViewer:
    async def test_when_control_keys_are_pressed_then_the_role_is_named_and_nothing_is_asked(
        self, make_world: Make
    ) -> None:
        world = make_world(service=FakeService(scene.tale().events, role=Role.VIEWER, actor="eve"))
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            assert "eve · viewer, read-only" in world.text()

            for key in ("R", "d", "space", "p", "x"):
                await world.press(pilot, key)
                assert "your role is viewer; this needs deployer." in world.text()

            assert world.service.asked == []
            assert isinstance(world.app.screen, Dashboard)


class TestGivenTheDeployForm:
    async def test_when_the_name_is_typed_in_production_then_the_previewed_plan_starts_once(
        self, make_world: Make
    ) -> None:
        world = make_world(None)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "d", *"v2", "enter")
            assert "risk" in world.text()
            assert "↶ worker: back to v1.4.2" in world.text()
            assert "about 5m24s" in world.text()
            assert "! no undo: Expanded columns stay" in world.text()

            await world.press(pilot, "enter")
            assert "To start, type production:" in world.text()
            assert world.service.deployed == []

            await world.press(pilot, "enter")
            assert world.service.deployed == []
            assert "That is not the name of the environment" in world.text()

            for character in "production":
                await pilot.press(character)
            await pilot.press("enter", "enter")
            await world.settle(pilot)

            assert len(world.service.deployed) == 1
            wish, request, digest = world.service.deployed[0]
            assert (wish.environment, wish.release) == ("production", "v2")
            assert request
            assert digest == world.service.plan.digest
            assert isinstance(world.app.screen, Dashboard)

    async def test_when_it_goes_to_staging_then_no_name_is_asked(self, make_world: Make) -> None:
        world = make_world(None)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "j", "d", "enter", "enter")

            assert [wish.environment for wish, _, _ in world.service.deployed] == ["staging"]

    async def test_when_nothing_is_to_be_asked_then_it_starts_unless_the_plan_has_refusals(
        self, make_world: Make
    ) -> None:
        world = make_world(None)
        world.service.statuses = [replace(one, confirmation=Confirmation.NONE) for one in world.service.statuses]
        world.service.plan = scene.plan(refusals=("production is held by ann since 06:01.",))
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "d", "enter")
            assert world.service.deployed == []

            world.service.plan = scene.plan()
            await world.press(pilot, "e", "enter")

            assert len(world.service.deployed) == 1
            assert isinstance(world.app.screen, Dashboard)

    async def test_when_the_plan_has_refusals_then_they_are_all_shown_and_it_cannot_start(
        self, make_world: Make
    ) -> None:
        world = make_world(None)
        refusals = ("production is held by ann since 06:01.", "Checks of a1b2c3d4 fail: lint.")
        world.service.plan = scene.plan(refusals=refusals)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "d", "enter")
            assert all(refusal in world.text() for refusal in refusals)

            await world.press(pilot, "enter")
            assert "This plan cannot start." in world.text()
            assert world.service.deployed == []

    async def test_when_the_worker_refuses_at_the_start_then_it_says_why_and_the_plan_stays(
        self, make_world: Make
    ) -> None:
        world = make_world(None)
        world.service.deploy_error = PlanRejected("staging", ["held by ann since 06:01"])
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "j", "d", "enter", "enter")

            assert "held by ann since 06:01" in world.text()
            assert isinstance(world.app.screen, DeployScreen)

    async def test_when_the_release_is_unknown_then_the_form_stays_and_says_what_to_do(self, make_world: Make) -> None:
        world = make_world(None)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "d", *"nothing", "enter")

            assert "There is no release “nothing”." in world.text()
            assert "Name a tag or a branch." in world.text()

    async def test_when_escape_is_pressed_then_it_goes_back_one_stage_at_a_time(self, make_world: Make) -> None:
        world = make_world(None)
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "d", "enter", "enter", "escape")
            assert "⏎ start it" in world.text()
            await world.press(pilot, "escape")
            assert "tag, branch or commit" in world.text()
            await world.press(pilot, "escape")
            assert isinstance(world.app.screen, Dashboard)


class TestGivenTheLogPane:
    async def test_when_it_is_filtered_then_only_matching_lines_show_and_esc_shows_all(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "5", "slash", *"gateway", "enter")
            dashboard = world.app.dashboard
            assert dashboard is not None
            assert "filter “gateway”" in world.text()
            assert "GET /cart" not in world.text()

            await world.press(pilot, "escape")
            assert "GET /cart" in world.text()

    async def test_when_one_scrolls_up_then_new_lines_are_counted_and_g_follows_again(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "5", "k", "k")
            before = [line for line in world.text().splitlines() if "#5" in line]

            world.service.log(LogBatch(scene.log_lines(1234, 1000), dropped=812))
            await world.settle(pilot)

            assert "+1,234 new, G to follow" in world.text()
            assert "812 lines dropped" in world.text()
            assert [line for line in world.text().splitlines() if "#5" in line] == before

            await world.press(pilot, "G")
            assert "following" in world.text()
            assert "#2233" in world.text()

    async def test_when_s_and_v_are_pressed_then_sources_and_levels_are_gone_through(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "5", "s")
            assert "source backend/blue" in world.text()
            await world.press(pilot, "escape", "v")
            assert "level error" in world.text()
            assert "WARN" not in world.text()


class TestGivenAWorkerThatVanishes:
    async def test_when_it_comes_back_then_the_console_says_both(self, make_world: Make) -> None:
        world = make_world()
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            assert "● live" in world.text()

            world.service.vanish()
            await world.settle(pilot)
            assert "worker gone, reconnecting" in world.text()
            await world.press(pilot, "R")
            assert "R rollback: the worker does not answer." in world.text()

            world.service.is_gone = False
            await world.app.feed._load_all()
            await world.settle(pilot)
            assert "● live" in world.text()
            assert "The worker answers again. Nothing was missed." in world.text()


class TestGivenTheHistory:
    async def test_when_it_is_filtered_and_opened_then_the_right_one_opens(self, make_world: Make) -> None:
        world = make_world("rolled-back")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "H", "slash", *"k3f9", "enter")
            assert "1 of 31 deployments" in world.text()

            await world.press(pilot, "enter")
            assert isinstance(world.app.screen, DeploymentScreen)
            assert "traffic back after 0.4s" in world.text()


class TestGivenAReport:
    async def test_when_m_is_pressed_then_it_is_saved_as_markdown(
        self, make_world: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: object
    ) -> None:
        monkeypatch.chdir(str(tmp_path))
        world = make_world("rolled-back")
        async with world.app.run_test(size=SIZE) as pilot:
            await world.settle(pilot)
            await world.press(pilot, "r")
            assert "74 of 1,190" in world.text()
            await world.press(pilot, "m", "w")
            assert "Saved" in world.text()

        names = sorted(os.listdir(str(tmp_path)))
        assert names == [f"report-{scene.FIRST}.html", f"report-{scene.FIRST}.md"]
