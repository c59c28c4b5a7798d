"""Releases that are bad in different ways: each is found, taken back by itself, and leaves nothing behind."""

from __future__ import annotations

import pytest

from tests.e2e.deck import Deck, Scene, frontend_release

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


class TestGivenAReleaseThatErrs:
    def test_when_it_gets_traffic_then_it_is_found_and_taken_back_by_itself(self, production: Deck):
        before = Scene.of(production)

        ran = production("deploy", "production", "--release", "v1.3-errors", "--wait", "--format", "json")

        record = ran.json
        assert ran.code == 3, ran.err
        assert record["status"] == "rolled_back"
        assert record["rollback"]["trigger"] == "automatic"
        assert record["rollback"]["reason"]
        assert record["rollback"]["traffic_restored_s"] is not None
        failed = [verdict for verdict in record["verdicts"] if verdict["verdict"] == "fail"]
        assert [verdict["evidence"] for verdict in failed]
        assert Scene.of(production).lasting == before.lasting


class TestGivenAReleaseThatCannotGoLive:
    @pytest.mark.parametrize(
        ("release", "why"), [("v1.5-crash", "exit code 1"), ("v1.6-bad-migration", "_add_item_ratings.sql failed")]
    )
    def test_when_it_is_deployed_then_nothing_is_left_behind_and_no_request_fails(
        self, production: Deck, release: str, why: str
    ):
        before, frontend = Scene.of(production), frontend_release(production)

        ran = production("deploy", "production", "--release", release, "--wait", "--format", "json")

        after, record = Scene.of(production), ran.json
        assert ran.code == 3, ran.err
        assert record["rollback"]["trigger"] == "automatic"
        assert why in record["rollback"]["reason"]
        assert record["traffic"] == []
        assert record["left_behind"] == {}
        assert after.lasting == before.lasting
        assert frontend_release(production) == frontend
        assert after.failed == before.failed, after.failures
