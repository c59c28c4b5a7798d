"""What panes say: words and numbers, without a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.client.service import Pulse
from console.domain import events as ev
from console.domain.errors import ConsoleError, Refused
from console.domain.ids import StepId
from console.domain.telemetry import LogLine
from screens.availability import why_not
from screens.commands import COMMANDS, completions, footer_commands, for_key, parse, slash_commands
from screens.layout import grid_for
from screens.store import Link, Store
from screens.view import words
from screens.view.charts import bar, sparkline
from screens.view.deployment import record_rows, step_detail
from screens.view.environments import environment_rows
from screens.view.footer import footer_row
from screens.view.headline import remaining
from screens.view.health import health_rows
from screens.view.help import help_rows
from screens.view.history import history_rows, matches
from screens.view.logs import log_row
from screens.view.markdown import markdown_rows
from screens.view.notice import notice_rows, of_error
from screens.view.pipeline import active_key, pipeline_rows
from screens.view.plan import plan_rows
from screens.view.rows import fit, fit_row, left, plain, row, spread, wrap
from screens.view.traffic import traffic_rows
from tests.screens import scene
from tests.screens.fake_service import REPORT, older


def store_of(until: str | None, **arms: object) -> Store:
    store = Store()
    store.set_environments(scene.environments())
    store.set_link(Link.LIVE)
    if until is not None:
        for event in scene.tale(until).events:
            store.apply_event(event)
    store.apply_pulse(Pulse(scene.START, scene.PRODUCTION, scene.arms(**arms)))  # type: ignore[arg-type]  # by name
    return store


def pipeline(until: str, width: int = 80, height: int = 60, after: float = 14) -> str:
    tale = scene.tale(until)
    return plain(pipeline_rows(tale.folded, tale.at + timedelta(seconds=after), width, height).rows)


class TestGivenThePipeline:
    def test_when_a_stage_bakes_then_it_says_what_it_waits_for_and_until_when(self) -> None:
        said = pipeline("bake-10")
        assert "10/17" in said
        assert "◔ waiting backend: bake at 10 %" in said
        assert "1,240 of 2,000 requests judged, until 06:18:55" in said
        assert "about 2m30s left" in said

    def test_when_a_step_runs_then_its_time_stands_beside_its_forecast(self) -> None:
        said = pipeline("prepare")
        assert "▸ running backend green: deploy" in said
        assert "of ~45s  build in progress (dep-91ac77)" in said

    def test_when_it_waits_for_a_person_then_the_reason_is_said(self) -> None:
        assert "waits for an approver, until 07:16:03" in pipeline("approval")

    def test_when_it_rolls_back_then_the_reason_and_the_time_of_traffic_come_first(self) -> None:
        said = pipeline("failing")
        assert "↶ rollback by itself: green errs more than blue at 10 %" in said
        assert "✓ traffic back after 0.4s" in said
        assert said.index("rollback  ") < said.index("check  ")
        assert "✗ failed  backend: bake at 10 %" in said

    def test_when_it_is_paused_then_it_says_by_whom_and_how_to_go_on(self) -> None:
        assert "‖ paused by kim: space goes on" in pipeline("paused")

    def test_when_there_are_few_lines_then_finished_phases_fold_to_one(self) -> None:
        said = pipeline("bake-10", height=16)
        assert "check        ✓ done  2 steps" in said
        assert "checks of a1b2c3d4" not in said
        assert len(said.splitlines()) <= 16

    def test_when_a_step_failed_and_is_tried_again_then_it_says_when(self) -> None:
        tale = scene.tale("prepare")
        tale.say(ev.StepFailed(StepId("deploy"), "Render answered 503", retry_at=tale.at + timedelta(seconds=30)))
        said = plain(pipeline_rows(tale.folded, tale.at, 100, 60).rows)
        assert "Render answered 503, tries again at" in said
        assert "(attempt 2)" in said

    def test_when_it_failed_then_it_says_what_state_each_service_is_in(self) -> None:
        tale = scene.tale("prepare")
        tale.say(ev.DeploymentFailed("Render is unreachable.", {"backend": "green half deployed, no traffic"}))
        said = plain(pipeline_rows(tale.folded, tale.at, 100, 60).rows)
        assert "✗ Render is unreachable." in said
        assert "backend: green half deployed, no traffic" in said

    def test_when_forecasts_lie_behind_then_nothing_negative_is_left(self) -> None:
        tale = scene.tale("prepare")
        assert remaining(tale.folded, tale.at + timedelta(hours=1)) is not None
        assert "about 3m22s left" in plain(pipeline_rows(tale.folded, tale.at + timedelta(hours=1), 100, 60).rows)

    def test_the_running_step_is_the_one_to_keep_in_sight(self) -> None:
        assert active_key(scene.tale("bake-10").folded) == "bake-10"
        assert active_key(scene.tale("rolled-back").folded) == ""


class TestGivenHealthAndTraffic:
    def test_when_the_candidate_errs_then_its_figures_are_marked_against_the_baseline(self) -> None:
        said = plain(health_rows(store_of("bake-10", failing=True), scene.PRODUCTION, 120))
        assert "◐ degraded" in said
        assert "6.2% ↑" in said
        assert "57ms ↑30%" in said
        assert "6.2% of requests fail" in said

    def test_when_nothing_is_on_trial_then_nothing_is_compared(self) -> None:
        store = Store()
        store.apply_pulse(Pulse(scene.START, scene.PRODUCTION, scene.arms(failing=True)))
        assert "↑" not in plain(health_rows(store, scene.PRODUCTION, 120))

    def test_when_the_pane_is_narrow_then_errors_and_p95_stay(self) -> None:
        heading = plain(health_rows(store_of("bake-10"), scene.PRODUCTION, 52)[:1])
        assert "errors" in heading
        assert "p95" in heading
        assert "memory" not in heading

    def test_when_the_router_does_not_yet_do_as_told_then_both_weights_are_said(self) -> None:
        store = Store()
        blue, green, *_ = scene.arms(green=10)
        arms = (replace(blue, weight_set=50), replace(green, weight_set=50))
        store.apply_pulse(Pulse(scene.START, scene.PRODUCTION, arms))
        said = plain(traffic_rows(store, scene.PRODUCTION, 60))
        assert "setting …" in said
        assert "10% set 50%" in said

    def test_when_they_agree_then_one_number_does(self) -> None:
        said = plain(traffic_rows(store_of("bake-10"), scene.PRODUCTION, 60))
        assert "as set" in said
        assert " 90%" in said
        assert " set " not in said.replace("as set", "")


class TestGivenEnvironments:
    def test_when_something_moves_then_it_is_said_under_its_environment(self) -> None:
        tale = scene.tale("bake-10")
        said = plain(environment_rows(store_of("bake-10"), tale.at, 80, services=True))
        assert "production v1.4.2 ● healthy" in said
        assert "◔ waiting v1.5.0 10/17 2m14s" in said
        assert "◐ degraded  1 of 5 probes failed" in said


class TestGivenADeploymentInFull:
    def test_when_a_step_has_a_verdict_then_its_figures_are_in_words(self) -> None:
        tale = scene.tale("rolled-back")
        deployment = tale.folded
        said = plain(step_detail(deployment, deployment.steps[StepId("bake-10")], tale.at, 70))
        assert "✗ fail backend" in said
        assert "canary errors 74" in said
        assert "canary error rate 6.2%" in said

    def test_when_a_platform_was_asked_then_both_keys_are_shown(self) -> None:
        tale = scene.tale("prepare")
        deployment = tale.folded
        said = plain(step_detail(deployment, deployment.steps[StepId("deploy")], tale.at, 70))
        assert "k3f9-deploy-1, platform's own dep-91ac77" in said

    def test_the_record_is_in_the_order_in_which_things_happened(self) -> None:
        said = plain(record_rows(scene.tale("rolled-back").folded, 80))
        order = ["ann asked to approve", "green █", "✗ fail", "↶ rollback by itself", "traffic back after 0.4s"]
        assert [said.index(words_) for words_ in order] == sorted(said.index(words_) for words_ in order)


class TestGivenAPlan:
    def test_when_it_is_previewed_then_undo_risk_and_refusals_are_said(self) -> None:
        said = plain(plan_rows(scene.plan(refusals=("production is frozen until 09:00.",)), 100))
        assert said.index("production is frozen until 09:00.") < said.index("release")
        assert "◐ medium (35 of 100)" in said
        assert "Two migrations run." in said
        assert "↶ backend: all traffic to blue" in said
        assert "! no undo: Expanded columns stay" in said

    def test_when_a_step_never_ran_then_the_forecast_is_unknown(self) -> None:
        steps = (replace(scene.STEPS[0], forecast=None), *scene.STEPS[1:])
        assert "unknown: 1 step of 17 never ran before" in plain(plan_rows(scene.plan(steps=steps), 100))


class TestGivenCommands:
    def test_every_command_is_carried_out_by_somebody(self) -> None:
        from screens.actions import Actions
        from screens.backups import BackupsScreen
        from screens.base import ConsoleScreen
        from screens.confirm import ConfirmDialog
        from screens.controls import Controls
        from screens.dashboard import Dashboard
        from screens.deploy import DeployScreen
        from screens.deployment import DeploymentScreen
        from screens.history import HistoryScreen
        from screens.report import ReportScreen
        from screens.schedule import ScheduleScreen

        owners = (
            Actions,
            Controls,
            BackupsScreen,
            ConsoleScreen,
            ConfirmDialog,
            Dashboard,
            DeployScreen,
            DeploymentScreen,
            HistoryScreen,
            ReportScreen,
            ScheduleScreen,
        )
        missing = [c.id for c in COMMANDS if not any(hasattr(owner, f"do_{c.id}") for owner in owners)]
        assert missing == []

    def test_no_key_means_two_things_in_one_scope(self) -> None:
        taken = [(command.scope, key) for command in COMMANDS for key in command.keys]
        assert sorted(taken) == sorted(set(taken))

    def test_the_slash_commands_of_the_design_exist(self) -> None:
        names = {command.slash for command in slash_commands()}
        assert names >= {
            "/deploy-staging", "/deploy-production", "/deploy-blue-green", "/deploy-rollback", "/deploy-status",
            "/deploy-health", "/deploy-logs", "/deploy-metrics", "/deploy-approve", "/history", "/report", "/help",
            "/theme", "/quit", "/deploy-maintenance", "/deploy-schedule",
        }  # fmt: skip

    def test_a_beginning_that_means_one_command_is_enough(self) -> None:
        typed = parse("/deploy-st")
        assert typed is None
        typed = parse(":hist")
        assert typed is not None
        assert typed.command.id == "history"
        typed = parse("/deploy-rollback staging")
        assert typed is not None
        assert (typed.command.id, typed.argument) == ("rollback", "staging")

    def test_a_word_of_the_help_finds_a_command(self) -> None:
        assert [command.slash for command in completions("colours")] == ["/theme"]
        assert [command.slash for command in completions("q")] == ["/quit"]

    def test_the_narrow_scope_wins(self) -> None:
        in_logs = for_key("slash", ("logs", "controls", "anywhere"))
        elsewhere = for_key("slash", ("controls", "anywhere"))
        assert in_logs is not None
        assert elsewhere is not None
        assert (in_logs.id, elsewhere.id) == ("filter", "slash")

    @pytest.mark.parametrize(
        ("until", "command", "reason"),
        [
            ("bake-10", "approve", "nothing waits for approval"),
            ("approval", "promote", "no stage is baking"),
            ("rolled-back", "rollback", "the last deployment is already rolled back"),
            ("failing", "pause", "it is rolling back"),
            ("succeeded", "abort", "nothing is being deployed here"),
            ("succeeded", "rollback", ""),
            ("bake-10", "promote", ""),
        ],
    )
    def test_a_disabled_key_says_why(self, until: str, command: str, reason: str) -> None:
        store = store_of(until)
        chosen = next(item for item in COMMANDS if item.id == command)
        assert why_not(chosen, store, store.latest_of(scene.PRODUCTION)) == reason

    def test_the_footer_fits_and_always_names_help(self) -> None:
        for width in (40, 80, 120, 200):
            line = footer_row(footer_commands(("controls", "dashboard", "list", "anywhere")), lambda _: "", width)
            assert line.width <= width
            assert "? help" in line.text

    def test_help_says_why_a_key_does_nothing_now(self) -> None:
        said = plain(help_rows(("controls",), slash_commands(), lambda c: "role" if c.id == "deploy" else "", 80))
        assert "not now: role" in said
        assert "/deploy-production [RELEASE]" in said


class TestGivenHistoryAndReports:
    def test_lines_are_found_by_any_of_their_words(self) -> None:
        summaries = older()
        assert all(matches(s, "rolled") for s in summaries if s.status.value == "rolled_back")
        said = plain(history_rows(summaries, "!staging", scene.START, 100))
        assert "staging" not in said
        assert "↶ rolled back" in said

    def test_markdown_becomes_rows(self) -> None:
        said = plain(markdown_rows(REPORT, 60))
        assert "74 of 1,190" in said
        assert "**" not in said
        assert "GitHub    announced, then marked failure   0.6 s" in said
        assert "▪ Gates" in said
        assert all(line.width <= 60 for line in markdown_rows(REPORT, 60))

    @given(st.text(alphabet="#*`|-> \nab漢[]()1.", max_size=200), st.integers(12, 60))
    def test_no_text_is_too_odd_to_be_drawn(self, text: str, width: int) -> None:
        assert all(line.width <= width for line in markdown_rows(text, width))


class TestGivenOutsideText:
    def test_control_characters_of_a_log_line_reach_no_terminal(self) -> None:
        evil = LogLine(scene.START, "backend", "a\x1b]52;c;ZXZpbA==\x07b\x9b31mc\r\n", "error")
        said = log_row(evil, 80, 8).text
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in said)

    def test_an_error_says_what_where_and_remedy(self) -> None:
        said = plain(notice_rows(of_error(Refused("It is held.", "production", "Wait for kim.")), 60))
        assert said.split("\n") == [" ! It is held.", "   production", "   Wait for kim."]
        assert of_error(ConsoleError("No.")).stays


class TestGivenRows:
    @given(st.text(max_size=40), st.integers(0, 30))
    def test_fitted_text_is_never_wider(self, text: str, width: int) -> None:
        text = "".join(character for character in text if character.isprintable())
        assert cell_len(fit(text, width)) <= width
        assert cell_len(left(text, width)) == width
        assert fit_row(row(text), width).width <= width
        assert all(cell_len(line) <= max(width, 2) for line in wrap(text, max(width, 2)))

    @given(st.integers(20, 120), st.integers(0, 60), st.integers(0, 30))
    def test_spread_rows_have_the_width(self, width: int, start: int, end: int) -> None:
        assert spread(row("a" * start), row("b" * end), width).width <= width

    @given(st.floats(0, 1), st.integers(2, 40))
    def test_a_bar_is_full_only_at_the_end_and_empty_only_at_nothing(self, share: float, width: int) -> None:
        filled, empty = bar(share, width)
        assert len(filled) + len(empty) == width
        assert (filled == "") == (share == 0)
        assert (empty == "") == (share == 1)

    def test_a_sparkline_leaves_gaps_where_nothing_was_measured(self) -> None:
        assert sparkline([1.0, None, 2.0], 5) == "  ▄ █"

    @given(st.integers(60, 240), st.integers(12, 80), st.integers(2, 30), st.integers(2, 20), st.integers(2, 30))
    def test_the_dashboards_panes_fill_the_screen(
        self, width: int, height: int, environments: int, traffic: int, health: int
    ) -> None:
        grid = grid_for(width, height, environments=environments, traffic=traffic, health=health)
        assert sum(grid.columns) == width
        assert sum(grid.rows) == height
        assert all(line > 0 for line in grid.rows)

    def test_every_glyph_has_one_ascii_character(self) -> None:
        assert all(len(chr(value)) == 1 and value < 128 for value in words.ASCII.values())
        signs = [*words.DEPLOYMENT.values(), *words.STEP.values(), *words.HEALTH.values(), *words.VERDICT.values()]
        assert all(sign.glyph.translate(words.ASCII).isascii() for sign in signs)
        assert all(sign.word for sign in signs)
