"""Instances in the configuration: what they come to, and every contradiction named."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from console.config.checks import find_faults
from console.config.loader import load
from console.config.settings import Settings
from console.config.strategies import batch_size, find_shape
from console.domain.errors import ConfigError
from tests.planning.stories import SHOP

THREE = {name: {"id": f"srv-{name}", "url": f"http://{name}"} for name in "abc"}


def settings(environment: dict[str, Any] | None = None, **backend: Any) -> Settings:
    """The shop, with three instances of its backend."""
    data = tomllib.loads(SHOP)
    production = data["environments"]["production"]
    production.update(environment or {})
    traffic = {"router": "edge", "route": "backend"}
    production["services"]["backend"] = {"instances": THREE, "traffic": traffic, **backend}
    return Settings.model_validate(data)


def words_of(given: Settings) -> str:
    return " | ".join(fault.what for fault in find_faults(given))


class TestGivenInstances:
    def test_when_nothing_else_is_said_then_they_go_live_by_batches_of_one(self):
        given = settings()
        production = given.environments["production"]

        shape = find_shape(production, "backend")

        assert find_faults(given) == []
        assert (shape.strategy, [stage.weight for stage in shape.stages]) == ("rolling", [33, 66, 100])

    @pytest.mark.parametrize(
        ("environment", "own", "size"), [(1, None, 1), ("67%", None, 2), ("25%", None, 1), (9, None, 2), (1, "100%", 2)]
    )
    def test_when_a_batch_is_written_then_it_is_one_at_least_and_never_all(self, environment, own, size):
        production = settings({"batch": environment}, **({"batch": own} if own else {})).environments["production"]

        assert batch_size(production, production.services["backend"]) == size

    def test_when_each_batch_has_its_bake_time_then_they_must_be_as_many(self):
        assert words_of(settings(bake_time=["1m", "2m", "3m"])) == ""
        assert "2 bake times for 3 stages" in words_of(settings(bake_time=["1m", "2m"]))

    @pytest.mark.parametrize(
        ("environment", "backend", "words"),
        [
            ({}, {"id": "srv-x"}, "an id and instances"),
            ({}, {"blue": {"id": "x"}, "green": {"id": "y"}}, "arms and instances"),
            ({}, {"instances": {"a": THREE["a"]}}, "only one instance"),
            ({}, {"instances": {"a": THREE["a"], "b": THREE["a"]}}, "srv-a is named twice"),
            ({}, {"instances": {"A b": THREE["a"], "b": THREE["b"]}}, "'A b' is no name of an instance"),
            ({}, {"instances": {"a": {"id": "x"}, "b": THREE["b"]}}, "health of a cannot be asked"),
            ({}, {"instances": {"a": {"id": "srv-worker", "url": "u"}, "b": THREE["b"]}}, "is also production.backend"),
            ({}, {"strategy": "canary"}, "do not go live by canary"),
            ({}, {"stages": [10, 100]}, "rolling has no stages"),
            ({}, {"batch": 3}, "all of backend"),
            ({"strategy": "recreate"}, {}, "also behind a page"),
            ({"strategy": "rolling", "stages": [50, 100]}, {}, "rolling has no stages"),
        ],
    )
    def test_when_something_contradicts_them_then_it_is_named(self, environment, backend, words):
        assert words in words_of(settings(environment, **backend))

    @pytest.mark.parametrize("batch", ["0", '"0%"', '"101%"', "true", '"half"'])
    def test_when_a_batch_is_none_then_it_is_refused_in_words(self, tmp_path: Path, batch: str):
        file = tmp_path / "config.toml"
        file.write_text(f"[environments.production]\nbatch = {batch}\n", encoding="utf-8")

        with pytest.raises(ConfigError) as refused:
            load(file)

        assert "batch is a count from 1 on" in str(refused.value)


class TestGivenBlueAndGreen:
    def test_when_the_environment_rolls_then_they_must_say_how_they_go_live(self):
        data = tomllib.loads(SHOP)
        data["environments"]["production"]["strategy"] = "rolling"

        assert "backend has two arms, and rolling changes instances" in words_of(Settings.model_validate(data))

    def test_when_a_batch_is_written_then_there_is_nothing_to_batch(self):
        data = tomllib.loads(SHOP)
        data["environments"]["production"]["services"]["backend"]["batch"] = 2

        assert "backend has no instances" in words_of(Settings.model_validate(data))
