"""`rehearse` tells outcome, lengths and calls, and ends with the code of the deployment that it pretended."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Shell
from tests.engine.world import World

CONFIGURATION = """
[source]
provider = "code"
[providers.code]
kind = "github"
token = "env:CODE_TOKEN"
repository = "acme/shop"
[providers.fake]
kind = "render"
token = "env:FAKE_TOKEN"
[services.api]
provider = "fake"
[environments.production]
tier = "production"
bake_time = "30s"
verify_time = "30s"
[environments.production.services.api]
id = "worker"
"""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def shell(shell: Shell, world: World, tmp_path, monkeypatch) -> Shell:
    (tmp_path / "config.toml").write_text(CONFIGURATION)
    monkeypatch.setenv("CODE_TOKEN", "one")
    monkeypatch.setenv("FAKE_TOKEN", "two")
    opened = dict.fromkeys(("fake", "code", "web"), world.platform)
    monkeypatch.setattr("console.cli.rehearse.open_connections", lambda *_: opened)
    return shell


class TestGivenAConfiguration:
    def test_when_rehearsed_then_the_end_the_lengths_and_the_calls_are_told(self, shell, world) -> None:
        ran = shell("rehearse", "production", "--release", "v2")

        assert ran.code == 0, ran.err
        assert "v2 (bbbbbbbb) to production by blue-green, rehearsed; nothing real was changed" in ran.out
        assert "would end ✓ succeeded after" in ran.out
        assert "MOST A MINUTE" in ran.out
        assert "assumed   the length of" in ran.out
        assert not world.platform.changes

    def test_when_asked_for_json_then_steps_have_their_begin_and_length(self, shell) -> None:
        ran = shell("rehearse", "production", "--release", "v2", "--format", "json")

        told = json.loads(ran.out)
        deploy = next(step for step in told["steps"] if step["id"] == "api.deploy")
        assert told["outcome"] == "succeeded"
        assert deploy["duration"] >= 90
        assert {call["provider"]: call["by_name"].get("deploy") for call in told["calls"]} == {"code": None, "fake": 1}

    def test_when_the_environment_is_unknown_then_the_known_ones_are_named(self, shell) -> None:
        ran = shell("rehearse", "prod")

        assert (ran.code, "Known: production" in ran.err) == (2, True)

    def test_when_a_fault_is_unknown_then_nothing_is_asked(self, shell) -> None:
        ran = shell("rehearse", "production", "--fault", "flood")

        assert (ran.code, "is no fault" in ran.err) == (2, True)
