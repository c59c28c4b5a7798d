"""`providers`, `ask` and `act`, against a service in memory."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime

import pytest

from console.cli.desk import read_pairs
from console.cli.values import value_lines
from console.domain.errors import Unreachable, UsageError
from console.domain.exchange import DeskChange, DeskOperation
from console.domain.ids import Actor

RUNNING = DeskOperation("", "lamps", "switch", "running", "lamp-1", "warming up")
DONE = DeskOperation("", "lamps", "switch", "succeeded", "lamp-1", "it shines", {"lamp": "kitchen"})


class TestGivenProviders:
    def test_when_they_are_listed_then_each_says_what_it_can_do(self, shell):
        ran = shell("providers")

        assert ran.code == 0
        assert ran.out.splitlines()[:4] == [
            "lamps (lamp)",
            "  used by deployments: inventory",
            "  ask: state, (colours)",
            "  act: switch, smash, teach",
        ]

    def test_when_one_is_named_then_fields_and_reasons_are_told(self, shell):
        lines = shell("providers", "lamps").out.splitlines()

        for line in (
            "    not deploy: Lamps are not deployed. Buy one.",
            "    state: which lamps shine.",
            "    colours: not here. These lamps are white.",
            "      lamp (text): its name; needed",
            "      on (yes or no): whether it shines; else yes",
            "      password (text, kept secret): what it asks for; may be left out",
            "    smash: Smash a lamp. Needs --yes.",
        ):
            assert line in lines

    def test_when_a_script_asks_then_it_gets_everything(self, shell):
        (lamps,) = json.loads(shell("providers", "--format", "json").out)

        assert lamps["actions"][1]["destroys"] is True
        assert lamps["actions"][0]["fields"][0]["required"] is True

    def test_when_the_name_is_wrong_then_it_is_wrong_usage(self, shell):
        ran = shell("providers", "lamp")

        assert (ran.code, ran.out) == (2, "")
        assert "Did you mean lamps?" in ran.err


class TestGivenAQuestion:
    def test_when_it_is_asked_then_its_arguments_reach_the_worker_as_written(self, shell, service):
        shell("ask", "lamps", "state", "room=kitchen", "lamp=a", "lamp=b", "labels.A=1=2", "labels.B=")

        ((provider, reading, question),) = service.asked
        assert (provider, reading) == ("lamps", "state")
        assert question.arguments == {"room": "kitchen", "lamp": ["a", "b"], "labels": {"A": "1=2", "B": ""}}

    def test_when_the_answer_is_a_list_of_things_then_it_is_a_table(self, shell, service):
        service.answer = [{"lamp": "kitchen", "on": True}, {"lamp": "hall", "on": None, "hours": 3}]

        assert shell("ask", "lamps", "state").out.splitlines() == [
            "LAMP     ON   HOURS",
            "kitchen  yes  –",
            "hall     –    3",
        ]

    def test_when_json_is_asked_for_then_it_is_the_answer_alone(self, shell, service):
        service.answer = [{"lamp": "kitchen"}, {"lamp": "hall"}]

        assert json.loads(shell("ask", "lamps", "state", "--format", "json").out) == service.answer
        assert shell("ask", "lamps", "state", "--format", "jsonl").out.splitlines() == [
            '{"lamp": "kitchen"}',
            '{"lamp": "hall"}',
        ]

    @pytest.mark.parametrize("arguments", [("kitchen",), ("=kitchen",), ("a=1", "a.b=2"), ("a.b=2", "a=1")])
    def test_when_an_argument_is_none_then_it_is_wrong_usage(self, shell, service, arguments: tuple[str, ...]):
        ran = shell("ask", "lamps", "state", *arguments)

        assert ran.code == 2
        assert service.asked == []


class TestGivenAChange:
    def test_when_it_ends_well_then_it_was_waited_for(self, shell, service):
        service.stands = [RUNNING, RUNNING, DONE]

        ran = shell("act", "lamps", "switch", "lamp=kitchen", "--request-id", "r1", "on=no")

        assert ran.code == 0
        assert ran.out.splitlines() == ["✓ succeeded  lamps switch: it shines", "  lamp  kitchen"]
        assert "warming up" in ran.err
        ((_, _, wish),) = service.wishes
        assert (wish.arguments, wish.request_id, wish.agreed) == ({"lamp": "kitchen", "on": "no"}, "r1", False)

    @pytest.mark.parametrize("status", ["failed", "cancelled", "lost"])
    def test_when_it_ends_badly_then_the_code_says_so(self, shell, service, status: str):
        service.stands = [DeskOperation("", "lamps", "switch", status, detail="the bulb broke")]

        ran = shell("act", "lamps", "switch", "--format", "json")

        assert ran.code == 1
        assert json.loads(ran.out)["detail"] == "the bulb broke"

    def test_when_the_time_is_over_then_it_goes_on_and_can_be_found_again(self, shell, service):
        service.stands = [RUNNING]

        ran = shell("act", "lamps", "switch", "--timeout", "0.01", "--request-id", "r1")

        assert ran.code == 5
        assert "--request-id r1" in ran.err

    def test_when_nobody_waits_then_it_is_only_begun(self, shell, service):
        service.stands = [RUNNING]

        ran = shell("act", "lamps", "switch", "--no-wait")

        assert ran.code == 0
        assert ran.out.startswith("▶ running  lamps switch")

    def test_when_the_worker_is_silent_for_a_moment_then_it_is_asked_again(self, shell, service):
        service.stands = [RUNNING, Unreachable("lamps", "no answer"), DONE]

        assert shell("act", "lamps", "switch").code == 0

    def test_when_its_begin_is_doubtful_then_the_way_to_find_out_is_told(self, shell, service):
        service.stands = [Unreachable("lamps", "The lamps do not answer."), DONE]

        ran = shell("act", "lamps", "switch", "--request-id", "r7")

        assert ran.code == 1
        assert "It may have happened" in ran.err
        assert "--request-id r7" in ran.err

    def test_when_a_yes_is_given_then_it_is_passed_on(self, shell, service):
        service.stands = [DONE]

        shell("act", "lamps", "smash", "--yes", "lamp=kitchen")

        assert service.wishes[0][2].agreed


class TestGivenASecret:
    def test_when_it_stands_on_the_command_line_then_it_is_refused_unsaid(self, shell, service):
        ran = shell("act", "lamps", "switch", "password=hunter22")

        assert ran.code == 2
        assert "Write password=@FILE, or password=-" in ran.err
        assert "hunter22" not in ran.err
        assert service.wishes == []

    def test_when_it_is_in_a_file_or_comes_on_standard_input_then_it_is_read(
        self, shell, service, tmp_path, monkeypatch
    ):
        (tmp_path / "secret").write_text("hunter22\n")
        service.stands = [DONE]

        shell("act", "lamps", "switch", f"password=@{tmp_path / 'secret'}")
        monkeypatch.setattr(sys, "stdin", io.StringIO("hunter23\n"))
        shell("act", "lamps", "switch", "password=-")

        assert [wish.arguments["password"] for _, _, wish in service.wishes] == ["hunter22", "hunter23"]

    def test_when_its_file_is_not_there_then_it_is_named(self, tmp_path):
        with pytest.raises(UsageError, match="The file of password cannot be read: No such file"):
            read_pairs([f"password=@{tmp_path / 'nothing'}"])

    def test_when_a_text_begins_with_an_at_then_it_is_doubled(self):
        assert read_pairs(["name=@@ann"]) == {"name": "@ann"}


class TestGivenAnAnswerOfAnyShape:
    def test_then_it_is_readable(self):
        value = {
            "name": "web",
            "on": False,
            "none": None,
            "rows": [{"a": 1}],
            "deep": {"x": {"y": [1, 2]}},
            "empty": [],
        }

        assert list(value_lines(value)) == [
            "name   web",
            "on     no",
            "none   –",
            "rows",
            "  A",
            "  1",
            "deep",
            "  x",
            "    y",
            "      1",
            "      2",
            "empty  []",
        ]
        assert list(value_lines([])) == ["none"]
        assert list(value_lines("two\nlines")) == ["two", "lines"]


class TestGivenAFileForTheWorker:
    def test_when_the_worker_is_ones_own_then_its_whole_path_is_named(self, shell, service, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        service.stands = [DONE]

        shell("act", "lamps", "teach", "file=morse.txt")

        assert service.wishes[0][2].arguments == {"file": str(tmp_path / "morse.txt")}
        assert service.files == []

    def test_when_it_is_another_users_then_the_file_is_sent(self, shell, service, tmp_path):
        service.owns_worker, service.stands = False, [DONE]
        (tmp_path / "morse.txt").write_text("-.-.")

        shell("act", "lamps", "teach", f"file={tmp_path}/morse.txt")

        assert service.files == [tmp_path / "morse.txt"]
        assert service.wishes[0][2].arguments == {"file": "/home/incoming/morse.txt"}

    def test_when_it_is_a_directory_of_another_users_worker_then_it_is_wrong_usage(self, shell, service, tmp_path):
        service.owns_worker = False

        ran = shell("act", "lamps", "teach", f"file={tmp_path}")

        assert (ran.code, service.wishes) == (2, [])
        assert "is a directory" in ran.err


class TestGivenChangesThatWereMade:
    @pytest.fixture(autouse=True)
    def changes(self, service):
        asked = datetime(2026, 11, 22, 6, 16, tzinfo=UTC)
        service.changes = [
            DeskChange("r2", "lamps", "switch", "unknown", asked, Actor("ann")),
            DeskChange("r1", "lamps", "teach", "failed", asked, Actor("ben"), "{}", "no\nsuch room"),
        ]

    def test_when_they_are_listed_then_each_says_how_it_stands(self, shell):
        ran = shell("act", "--list")

        assert ran.code == 0
        assert ran.out.splitlines() == [
            "ASKED             REQUEST  STATUS   BY   CHANGE",
            "2026-11-22 06:16  r2       unknown  ann  lamps switch",
            "2026-11-22 06:16  r1       failed   ben  lamps teach: no such room",
        ]
        assert "--request-id" in ran.err

    def test_when_a_script_asks_for_one_action_then_it_gets_those(self, shell):
        (told,) = json.loads(shell("act", "lamps", "teach", "--list", "--format", "json").out)

        assert (told["request_id"], told["asked_at"]) == ("r1", "2026-11-22T06:16:00Z")

    def test_when_there_are_none_then_that_is_said(self, shell, service):
        service.changes = []

        assert "Nothing was changed by hand" in shell("act", "--list").out

    def test_when_neither_is_named_then_it_is_wrong_usage(self, shell):
        ran = shell("act", "lamps")

        assert (ran.code, ran.out) == (2, "")
        assert "needs a platform and an action" in ran.err


class TestGivenAQuestionWithoutItsName:
    def test_then_only_what_must_be_given_is_called_missing(self, shell):
        ran = shell("ask", "lamps")

        assert ran.code == 2
        assert "required: READING\n" in ran.err
