"""A good release goes live in production, is looked at from every side, and is taken back by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Deployed, TakenBack
from tests.e2e.deck import Deck

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

OBJECT = {
    "id",
    "environment",
    "strategy",
    "status",
    "release",
    "requested_by",
    "requested_at",
    "started_at",
    "ended_at",
    "duration_s",
    "steps",
    "traffic",
    "verdicts",
    "rollback",
}
STEP = {
    "id",
    "name",
    "kind",
    "phase",
    "service",
    "provider",
    "status",
    "attempts",
    "started_at",
    "ended_at",
    "detail",
}
ROLLBACK = {
    "trigger",
    "reason",
    "requested_at",
    "traffic_restored_at",
    "traffic_restored_s",
    "ended_at",
    "duration_s",
}


class TestGivenAGoodReleaseWentLive:
    def test_then_the_command_ended_with_0_and_one_object_that_has_every_field(self, deployed: Deployed):
        record = deployed.record

        assert deployed.ran.code == 0, deployed.ran.err
        assert set(record) >= OBJECT
        assert all(set(step) >= STEP for step in record["steps"])
        assert all(set(shift) >= {"at", "service", "weights"} for shift in record["traffic"])
        assert all(set(verdict) >= {"at", "step", "verdict", "evidence"} for verdict in record["verdicts"])
        assert record["status"] == "succeeded"
        assert record["environment"] == "production"
        assert record["strategy"] == "blue-green"
        assert record["release"] == "v1.1"
        assert record["rollback"] is None
        assert record["duration_s"] > 0
        assert {step["status"] for step in record["steps"]} <= {"succeeded", "skipped"}

    def test_then_no_request_failed_and_traffic_went_in_stages(self, deployed: Deployed):
        shares = [shift["weights"]["green"] for shift in deployed.record["traffic"]]

        assert deployed.after.failed == deployed.before.failed, deployed.after.failures
        assert deployed.after.requests > deployed.before.requests
        assert shares == [10, 50, 100]

    def test_then_the_platforms_stand_as_the_record_says(self, deployed: Deployed):
        assert deployed.after.weights == deployed.record["traffic"][-1]["weights"] == {"blue": 0, "green": 100}
        assert deployed.after.releases["backend"] == ("v1.1",)
        assert deployed.after.releases["worker"] == ("v1.1",)
        assert deployed.after.migrations == deployed.before.migrations + 1
        assert deployed.frontend[0] != deployed.frontend[1]
        assert deployed.frontend[1] == "v1.1"

    def test_then_a_second_deployment_meanwhile_was_refused_and_told_who_holds_it(self, deployed: Deployed):
        assert deployed.second.code == 4
        assert deployed.second.out == ""
        for word in (deployed.id, deployed.record["requested_by"], "v1.1", "quarterdeck show"):
            assert word in deployed.second.err

    def test_when_it_is_shown_then_it_is_the_object_that_the_command_printed(self, deck: Deck, deployed: Deployed):
        shown = deck.json("show", deployed.id)

        for name in OBJECT - {"rollback", "status", "ended_at", "duration_s", "steps", "traffic", "verdicts"}:
            assert shown[name] == deployed.record[name]
        steps = {step["id"] for step in shown["steps"]}
        assert steps >= {step["id"] for step in deployed.record["steps"]}

    def test_when_a_plan_is_asked_for_then_nothing_changes(self, deck: Deck, deployed: Deployed):
        before = deck.json("playground", "status")["changes"]

        planned = deck.json("plan", "production", "--release", "v1.2")

        assert planned["release"]["name"] == "v1.2"
        assert planned["steps"]
        assert planned["refusals"] == []
        assert deck.json("playground", "status")["changes"] == before
        assert "UNDO" in deck.here("plan", "production", "--release", "v1.2").out

    @pytest.mark.parametrize(
        "command",
        [("status", "production"), ("health",), ("metrics",), ("logs", "production"), ("history",)],
        ids=" ".join,
    )
    def test_when_it_is_looked_at_then_there_are_rows_as_text_and_as_json(
        self, deck: Deck, deployed: Deployed, command: tuple[str, ...]
    ):
        rows = deck.json(*command)
        text = deck.here(*command)

        assert isinstance(rows[0], dict)
        assert text.code == 0
        assert len(text.out.splitlines()) > 1

    def test_when_json_lines_are_wanted_then_each_is_a_value(self, deck: Deck, deployed: Deployed):
        ran = deck("status", "--format", "jsonl")

        assert [json.loads(line)["name"] for line in ran.out.splitlines()] == ["production", "staging"]

    def test_when_a_report_is_written_then_it_names_the_deployment_in_each_form(
        self, deck: Deck, deployed: Deployed, tmp_path: Path
    ):
        for form in ("md", "html", "json"):
            path = tmp_path / f"report.{form}"
            ran = deck.here("report", deployed.id, "--format", form, "--output", str(path))

            assert ran.code == 0, ran.err
            assert ran.out == ""
            assert str(path) in ran.err
            assert deployed.id in path.read_text(encoding="utf-8")
        assert deployed.id in deck.here("report", deployed.id).out
        assert "http://" not in _links_of((tmp_path / "report.html").read_text(encoding="utf-8"))

    def test_then_no_secret_is_anywhere_but_in_its_own_file(
        self, deck: Deck, deployed: Deployed, taken_back: TakenBack, tmp_path: Path
    ):
        secrets = _secrets_of(deck.home)
        for form in ("md", "html", "json"):
            deck.here("report", deployed.id, "--format", form, "--output", str(deck.home / f"report.{form}"))
        (deck.home / "logs.txt").write_text(deck.here("logs", "--limit", "100000").out, encoding="utf-8")

        files = [path for path in deck.home.rglob("*") if path.is_file() and "secrets" not in path.parts]
        found = {
            str(path.relative_to(deck.home)): name
            for path in files
            for name, value in secrets.items()
            if value.encode() in path.read_bytes()
        }

        assert {path.name for path in files} >= {"history.db", "engine.db", "worker.log", "report.html"}
        assert found == {}

    def test_then_files_are_for_their_owner_alone(self, deck: Deck, deployed: Deployed):
        for name in ("history.db", "engine.db", "worker.sock", "worker.lock", "worker.log"):
            assert (deck.home / name).stat().st_mode & 0o077 == 0, name


class TestGivenItIsTakenBackByHand:
    def test_then_the_command_ended_with_0_and_the_rollback_is_told_whole(self, taken_back: TakenBack):
        record = taken_back.ran.json

        assert taken_back.ran.code == 0, taken_back.ran.err
        assert record["id"] == taken_back.deployed.id
        assert record["status"] == "rolled_back"
        assert set(record["rollback"]) >= ROLLBACK
        assert None not in [record["rollback"][name] for name in ROLLBACK]
        assert record["rollback"]["trigger"] == "manual"
        assert record["rollback"]["reason"] == "changed my mind"
        assert 0 <= record["rollback"]["traffic_restored_s"] <= record["rollback"]["duration_s"]

    def test_then_everything_is_as_it_was_and_no_request_failed(self, taken_back: TakenBack):
        before = taken_back.deployed.before

        assert taken_back.after.lasting == before.lasting
        assert taken_back.frontend == taken_back.deployed.frontend[0]
        assert taken_back.ran.json["traffic"][-1]["weights"] == taken_back.after.weights == {"blue": 100, "green": 0}
        assert taken_back.after.failed == before.failed, taken_back.after.failures

    def test_when_it_is_asked_for_again_then_nothing_is_left_to_take_back(self, deck: Deck, taken_back: TakenBack):
        ran = deck.here("rollback", taken_back.deployed.id, "--wait")

        assert ran.code == 4
        assert taken_back.deployed.id in ran.err


def _secrets_of(home: Path) -> dict[str, str]:
    """Every secret of the playground; of an address the password alone."""
    values = {path.name: path.read_text(encoding="utf-8").strip() for path in (home / "playground/secrets").iterdir()}
    assert len(values) >= 6
    return {
        name: value.partition("://")[2].partition("@")[0].partition(":")[2] if "://" in value else value
        for name, value in values.items()
    }


def _links_of(html: str) -> str:
    """What a browser would fetch by itself."""
    return " ".join(part.partition('"')[0] for mark in ('src="', 'href="') for part in html.split(mark)[1:])
