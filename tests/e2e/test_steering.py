"""Pausing, going on, promoting, aborting and waiting with a limit, by the command line alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.conftest import SOME, TakenBack, bring_back, customers
from tests.e2e.deck import Deck, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def slow_deck(playground: Path, deck: Deck, taken_back: TakenBack) -> Iterator[Deck]:
    """The same state directory, with a bake time that nobody would wait for."""
    text = (playground / "config.toml").read_text(encoding="utf-8")
    slow = playground / "slow.toml"
    slow.write_text(text.replace('bake_time = "5s"', 'bake_time = "1h"'), encoding="utf-8")
    deck.stop()
    with customers(playground, SOME):
        yield Deck(playground, slow)
        bring_back(deck)
    deck.stop()


class TestGivenARolloutInItsBakeTime:
    def test_when_it_is_steered_then_it_obeys(self, slow_deck: Deck):
        before = Scene.of(slow_deck)
        running = slow_deck.begin("deploy", "production", "--release", "v1.1", "--wait", "--format", "json")
        running.wait_for("▶ Hold backend at 10 %")

        impatient = slow_deck.here("deploy", "production", "--wait", "--timeout", "0.2", "--request-id", "other")
        paused = slow_deck.here("pause", "production", "--reason", "lunch")
        running.wait_for("⏸ paused: lunch")
        held = slow_deck.json("status", "production")[0]
        resumed = slow_deck.here("resume", "production")
        running.wait_for("▶ goes on")
        promoted = slow_deck.here("promote", "production")
        running.wait_for("backend: blue 50 % · green 50 %")
        aborted = slow_deck.here("abort", "production", "--reason", "enough", "--format", "json")
        ran = running.end()

        assert impatient.code == 4
        assert (paused.code, resumed.code, promoted.code, aborted.code) == (0, 0, 0, 0)
        assert aborted.json["accepted"] is True
        assert held["deployment"]["status"] == "paused"
        assert held["lock"]["deployment"] == ran.json["id"]
        assert [control["control"] for control in ran.json["controls"]] == ["pause", "resume", "promote", "abort"]
        assert ran.code in {1, 3}, ran.err
        after = Scene.of(slow_deck)
        assert after.lasting == before.lasting
        assert after.failed == before.failed, after.failures

    def test_when_waiting_has_a_limit_then_it_ends_with_5_and_the_deployment_goes_on(self, slow_deck: Deck):
        before = Scene.of(slow_deck)
        running = slow_deck.begin("deploy", "production", "--release", "v1.1", "--request-id", "limited", "--wait")
        running.wait_for("▶ Hold backend at 10 %")

        limited = slow_deck.here(
            "deploy", "production", "--request-id", "limited", "--wait", "--timeout", "0.5", "--format", "json"
        )
        status = limited.json["status"]
        back = slow_deck.here("rollback", "production", "--wait", "--format", "json")

        assert limited.code == 5
        assert status == "running"
        assert back.code == 0, back.err
        assert running.end().code == 3
        rollback = back.json["rollback"]
        asked, restored = (datetime.fromisoformat(rollback[key]) for key in ("requested_at", "traffic_restored_at"))
        assert (restored - asked).total_seconds() == pytest.approx(rollback["traffic_restored_s"], abs=0.001)
        assert rollback["traffic_restored_s"] < 10
        assert Scene.of(slow_deck).lasting == before.lasting
