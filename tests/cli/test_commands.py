"""Commands as scripts meet them: what is on which stream, and the exit code."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from console.client.service import Identity
from console.domain import events as ev
from console.domain.errors import Refused, UsageError
from console.domain.ids import ServiceName
from console.domain.observations import ArmHealth, Health
from console.domain.telemetry import LogLine

from .conftest import BAD_STORY, GOOD_STORY, MANUAL_ROLLBACK, START


class TestGivenAGoodRelease:
    def test_when_deployed_and_waited_for_then_stdout_holds_the_deployment_alone(self, shell, service):
        service.after_deploy = GOOD_STORY
        ran = shell("deploy", "production", "--release", "v1.1", "--wait", "--format", "json")
        told = json.loads(ran.out)
        assert ran.code == 0
        assert told["status"] == "succeeded"
        assert told["environment"] == "production"
        assert told["steps"][0]["status"] == "succeeded"
        assert told["traffic"][0]["weights"] == {"blue": 90, "green": 10}
        assert told["verdicts"][0]["verdict"] == "pass"
        assert told["rollback"] is None

    def test_when_waited_for_then_each_change_is_one_line_on_stderr(self, shell, service):
        service.after_deploy = GOOD_STORY
        ran = shell("deploy", "production", "--wait")
        lines = ran.err.splitlines()
        assert any("blue 90 % · green 10 %" in line for line in lines)
        assert any("0 errors in 80 requests." in line for line in lines)
        assert "succeeded" in lines[-1]
        assert len(lines) == len(service.log)

    def test_when_not_waited_for_then_the_id_is_told_and_how_to_watch(self, shell, service):
        ran = shell("deploy", "production", "--service", "backend", "frontend", "--reason", "because")
        wish, request_id = service.submitted[0]
        assert (ran.code, ran.out.strip()) == (0, "261122-061603-0001")
        assert "quarterdeck show 261122-061603-0001" in ran.err
        assert wish.services == ("backend", "frontend")
        assert wish.reason == "because"
        assert request_id

    def test_when_a_request_id_is_given_then_it_is_passed_on(self, shell, service):
        shell("deploy", "production", "--request-id", "r-1")
        assert service.submitted[0][1] == "r-1"


class TestGivenABadRelease:
    def test_when_it_is_rolled_back_then_the_code_is_three(self, shell, service):
        service.after_deploy = BAD_STORY
        ran = shell("deploy", "production", "--wait", "--format", "json")
        rollback = json.loads(ran.out)["rollback"]
        assert ran.code == 3
        assert rollback["trigger"] == "automatic"
        assert rollback["traffic_restored_s"] == pytest.approx(2.0, abs=2)
        assert "rolling back by itself" in ran.err

    @pytest.mark.parametrize("end", [ev.DeploymentFailed("the database is gone"), ev.DeploymentAborted("refused")])
    def test_when_it_fails_or_is_aborted_then_the_code_is_one(self, shell, service, end):
        service.after_deploy = [ev.DeploymentStarted("host"), end]
        assert shell("deploy", "production", "--wait").code == 1


class TestGivenTimeRunsOut:
    def test_then_the_code_is_five_and_the_deployment_goes_on(self, shell, service):
        service.after_deploy = GOOD_STORY[:2]
        ran = shell("deploy", "production", "--wait", "--timeout", "0.05", "--format", "json")
        assert ran.code == 5
        assert json.loads(ran.out)["status"] == "running"
        assert "The deployment goes on" in ran.err


class TestGivenRefusals:
    def test_when_the_environment_is_held_then_the_code_is_four_and_nothing_is_on_stdout(self, shell, service):
        service.refusals = ("held by deployment 7f2 of ben",)
        ran = shell("deploy", "production", "--wait")
        assert (ran.code, ran.out) == (4, "")
        assert "held by deployment 7f2 of ben" in ran.err

    def test_when_only_planned_then_they_are_part_of_the_plan(self, shell, service):
        service.refusals = ("the commit's checks failed",)
        ran = shell("plan", "production", "--format", "json")
        assert ran.code == 4
        assert json.loads(ran.out)["refusals"] == ["the commit's checks failed"]

    def test_when_an_emergency_has_no_reason_then_it_is_wrong_usage(self, shell):
        assert shell("deploy", "production", "--emergency").code == 2

    def test_when_the_environment_is_unknown_then_it_is_wrong_usage_in_three_lines(self, shell):
        ran = shell("status", "moon")
        assert ran.code == 2
        assert ran.err.splitlines() == ["There is no environment 'moon'.", "Known: production.", "Name one of these."]


class TestGivenAStage:
    @pytest.mark.parametrize(("option", "asked"), [((), "promote"), (("--full",), "promote-full")])
    def test_when_promoted_then_the_next_one_or_all_is_asked_for(self, shell, service, option, asked):
        service.after_deploy = GOOD_STORY[:2]
        shell("deploy", "production")

        ran = shell("promote", "production", *option, "--format", "json")

        assert json.loads(ran.out)["control"] == asked
        assert [request.control.value for _, request in service.controls] == [asked]


class TestGivenARollback:
    def test_when_waited_for_then_it_ends_good_once_everything_is_back(self, shell, service):
        service.after_deploy, service.after_rollback = GOOD_STORY, MANUAL_ROLLBACK
        shell("deploy", "production")
        ran = shell("rollback", "production", "--reason", "because", "--wait", "--format", "json")
        told = json.loads(ran.out)
        assert ran.code == 0
        assert (told["status"], told["rollback"]["trigger"]) == ("rolled_back", "manual")
        deployment, request = service.controls[0]
        assert deployment == "261122-061603-0001"
        assert request.requested_at is not None

    def test_when_the_latest_was_taken_back_then_the_one_before_is_meant(self, shell, service):
        service.after_deploy = GOOD_STORY
        shell("deploy", "production")
        service.after_deploy = BAD_STORY
        shell("deploy", "production")
        shell("rollback", "production")
        assert service.controls[0][0] == "261122-061603-0001"

    def test_when_only_previewed_then_nothing_is_asked_for(self, shell, service):
        service.after_deploy = GOOD_STORY
        shell("deploy", "production")
        ran = shell("rollback", "production", "--preview")
        assert "v1.1 → v1.0" in ran.out
        assert service.controls == []

    def test_when_nothing_was_deployed_then_it_is_wrong_usage(self, shell):
        assert shell("rollback", "production").code == 2


class TestGivenControls:
    @pytest.mark.parametrize("word", ["approve", "reject", "pause", "resume", "promote", "abort", "retry"])
    def test_then_each_is_passed_on_with_its_reason(self, shell, service, word):
        shell("deploy", "production")
        ran = shell(word, "production", "--reason", "because", "--format", "json")
        asked = service.controls[0][1]
        assert ran.code == 0
        assert (asked.control.value, asked.reason) == (word, "because")
        assert json.loads(ran.out)["accepted"] is True


class TestGivenThingsToLookAt:
    def test_then_status_is_an_aligned_table_without_colour(self, shell):
        ran = shell("status", "production")
        assert ran.code == 0
        assert "✓ healthy" in ran.out
        assert "blue 100 % · green 0 %" in ran.out
        assert "\x1b" not in ran.out

    def test_then_json_lines_hold_one_value_each(self, shell):
        values = [json.loads(line) for line in shell("status", "--format", "jsonl").out.splitlines()]
        assert [value["name"] for value in values] == ["production"]

    def test_when_an_arm_with_traffic_is_down_then_health_fails(self, shell, service):
        service.health_now = (ArmHealth(ServiceName("backend"), "blue", Health.DOWN, "no answer", weight_set=100),)
        ran = shell("health", "production")
        assert ran.code == 1
        assert "production/backend/blue: no answer" in ran.out

    def test_when_an_arm_without_traffic_is_down_then_health_is_good(self, shell, service):
        service.health_now = (ArmHealth(ServiceName("backend"), "green", Health.DOWN, "no answer", weight_set=0),)
        ran = shell("health", "--format", "json")
        assert ran.code == 0
        assert json.loads(ran.out)[0]["environment"] == "production"

    def test_then_history_and_show_agree(self, shell, service):
        service.after_deploy = GOOD_STORY
        shell("deploy", "production")
        lines = json.loads(shell("history", "--format", "json").out)
        shown = json.loads(shell("show", lines[0]["id"], "--format", "json").out)
        assert shown["status"] == lines[0]["status"] == "succeeded"
        assert "✓ succeeded" in shell("show", lines[0]["id"]).out

    def test_then_metrics_are_listed(self, shell):
        assert json.loads(shell("metrics", "--format", "json").out)[0]["name"] == "error_rate"

    def test_when_the_time_cannot_be_read_then_it_is_wrong_usage(self, shell):
        assert shell("metrics", "--since", "yesterday-ish").code == 2


class TestGivenLogs:
    def test_then_they_are_filtered_and_told_by_source(self, shell, service):
        service.lines = (
            LogLine(START, "backend-blue", "started"),
            LogLine(START + timedelta(seconds=1), "backend-blue", "Traceback", "error"),
        )
        ran = shell("logs", "production", "--grep", "trace")
        assert ran.out == "06:16:04  backend-blue  error  Traceback\n"

    def test_when_followed_then_lines_that_were_lost_are_counted_on_stderr(self, shell, service):
        service.lines = (LogLine(START, "backend-blue", "started"),)
        ran = shell("logs", "--follow", "--format", "json")
        assert json.loads(ran.out)["text"] == "started"
        assert "3 lines" in ran.err


class TestGivenAReport:
    def test_when_no_file_is_named_then_it_is_on_stdout(self, shell, service):
        shell("deploy", "production")
        assert shell("report", "production", "--format", "html").out == "# 261122-061603-0001 as html\n"

    def test_when_a_file_is_named_then_it_is_there(self, shell, service, tmp_path):
        shell("deploy", "production")
        ran = shell("report", "production", "--output", str(tmp_path / "r.md"))
        assert (ran.code, ran.out) == (0, "")
        assert (tmp_path / "r.md").read_text() == "# 261122-061603-0001 as md\n"

    def test_when_the_file_cannot_be_written_then_it_says_so(self, shell, service, tmp_path):
        shell("deploy", "production")
        assert shell("report", "production", "--output", str(tmp_path / "no" / "r.md")).code == 2


class TestGivenTrouble:
    def test_when_something_unexpected_breaks_then_one_line_says_what_and_where_the_log_is(self, shell, service):
        async def broken() -> Identity:
            raise RuntimeError("the wheel came off")

        service.environments = lambda name=None: broken()
        ran = shell("status")
        assert ran.code == 1
        assert "the wheel came off" in ran.err
        assert "worker.log" in ran.err
        assert "Traceback" not in ran.err

    def test_when_it_is_refused_by_role_then_the_code_is_four(self, shell, service):
        async def refused(deployment, request):
            raise Refused("ben may only look.", "role viewer", "Ask an admin.")

        shell("deploy", "production")
        service.control = refused
        ran = shell("pause", "production")
        assert ran.code == 4
        assert ran.err.splitlines() == ["ben may only look.", "role viewer", "Ask an admin."]

    def test_when_interrupted_while_waiting_then_it_says_that_the_deployment_goes_on(self, shell, service):
        class Interrupting(list):
            def __iter__(self):
                raise KeyboardInterrupt

        async def interrupted(deployment):
            return Interrupting()

        service.events_of = interrupted
        ran = shell("deploy", "production", "--wait")
        assert ran.code == 130
        assert "The deployment goes on" in ran.err

    @pytest.mark.parametrize("arguments", [["deploy"], ["fly"], ["status", "--format", "xml"], ["playground"]])
    def test_when_the_command_line_is_wrong_then_the_code_is_two_and_stdout_stays_empty(self, shell, arguments):
        ran = shell(*arguments)
        assert (ran.code, ran.out) == (2, "")

    def test_when_an_error_has_several_lines_then_all_are_told(self, shell, service):
        async def broken(name=None):
            raise UsageError("It is wrong.", "", "Do it right.")

        service.environments = broken
        assert shell("status").err.splitlines() == ["It is wrong.", "Do it right."]
