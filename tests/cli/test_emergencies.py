"""Emergencies on the command line: said in `show`, listed by `reviews`, closed by `review`."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import GOOD_STORY

ID = "261122-061603-0001"


@pytest.fixture
def deployed(shell, service):
    service.after_deploy = GOOD_STORY
    return shell("deploy", "production", "--emergency", "--reason", "down", "--wait", "--format", "json")


def test_when_it_was_deployed_then_the_object_says_what_was_passed_over_and_that_its_review_is_open(deployed):
    told = json.loads(deployed.out)["emergency"]

    assert deployed.code == 0
    assert (told["reason"], told["skipped"], told["review"]["open"]) == ("down", ["checks"], True)
    assert told["expires_at"].endswith("Z")


def test_when_it_was_none_then_the_object_has_no_emergency(shell, service):
    service.after_deploy = GOOD_STORY
    ran = shell("deploy", "production", "--wait", "--format", "json")

    assert json.loads(ran.out)["emergency"] is None


def test_when_reviews_are_asked_for_then_the_open_ones_are_listed(deployed, shell):
    ran = shell("reviews")

    assert ran.code == 0
    assert all(word in ran.out for word in (ID, "down", "checks", "ana"))
    assert json.loads(shell("reviews", "--format", "json").out)[0]["deployment"] == ID


def test_when_one_is_closed_then_none_is_open_and_show_has_the_comment(deployed, shell):
    assert "review: open" in shell("show", ID).out

    assert shell("review", ID, "--comment", "looked at it").code == 0

    assert shell("reviews").out == "No review is open.\n"
    assert "review: closed by ben" in shell("show", ID).out
    assert "looked at it" in shell("show", ID).out


def test_when_nothing_is_said_then_it_is_wrong_usage(deployed, shell):
    assert shell("review", ID).code == 2
