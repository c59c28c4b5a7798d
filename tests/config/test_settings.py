"""The example names every setting and loads; the shape of the file is what the code reads."""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from console.config.adapters import find_model
from console.config.durations import format_duration, parse_duration
from console.config.environments import EnvironmentSettings
from console.config.loader import load
from console.config.settings import ProviderSettings, Settings
from providers.registry import KINDS

EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"


def every_setting(kind: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all settings, `*` standing for a name that the operator chooses."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield (*at, name)
            yield from every_setting(field.annotation, (*at, name))
        return
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        for option in arguments:
            yield from every_setting(option, at)
    elif typing.get_origin(kind) is tuple:
        yield from every_setting(arguments[0], at)
    elif len(arguments) == 2:
        yield from every_setting(arguments[1], (*at, "*"))


def written(data: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(data, list):
        for item in data:
            yield from written(item, at)
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*at, key)
            yield from written(value, (*at, key))


def is_named(setting: tuple[str, ...], paths: set[tuple[str, ...]]) -> bool:
    return any(
        len(path) == len(setting) and all(a in {b, "*"} for a, b in zip(setting, path, strict=True)) for path in paths
    )


class TestGivenTheExample:
    def test_when_loaded_then_it_is_without_fault(self) -> None:
        settings = load(EXAMPLE)

        assert settings.file == EXAMPLE
        assert settings.environments["production"].services["backend"].arms.keys() == {"blue", "green"}

    def test_when_read_then_it_names_every_setting(self) -> None:
        paths = set(written(tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))))

        missing = [".".join(setting) for setting in every_setting(Settings) if not is_named(setting, paths)]

        assert missing == []

    def test_when_read_then_it_names_every_setting_of_every_adapter(self) -> None:
        shown = load(EXAMPLE).providers.values()
        # Filled in by the worker from what the environments say.
        derived = {"routes", "databases"}
        missing = [
            f"{kind}.{name}"
            for kind in KINDS
            if (model := find_model(kind)) is not None
            for name in model.model_fields
            if name not in derived and not any(p.kind == kind and name in {"kind", *p.options} for p in shown)
        ]

        assert missing == []

    def test_when_values_are_left_out_then_they_are_those_of_the_example_where_it_says_so(self) -> None:
        shown = load(EXAMPLE)
        bare = Settings()

        assert shown.engine == bare.engine
        assert shown.history == bare.history
        assert shown.environments["production"].judge == type(shown.environments["production"].judge)()
        assert shown.environments["production"].limits == type(shown.environments["production"].limits)()

    def test_when_described_then_every_setting_has_words(self) -> None:
        def undescribed(kind: Any) -> Iterator[str]:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                for name, field in kind.model_fields.items():
                    is_table = any(isinstance(o, type) and issubclass(o, BaseModel) for o in _parts(field.annotation))
                    if not field.description and not is_table:
                        yield f"{kind.__name__}.{name}"
                    yield from undescribed(field.annotation)
            for option in typing.get_args(kind):
                yield from undescribed(option)

        assert list(undescribed(Settings)) == []


def _parts(kind: Any) -> tuple[Any, ...]:
    return (kind, *(part for option in typing.get_args(kind) for part in _parts(option)))


class TestGivenAProvider:
    def test_when_it_has_keys_of_its_own_then_they_are_kept_for_its_adapter(self) -> None:
        provider = ProviderSettings.model_validate({"kind": "render", "token": "env:T", "url_scheme": "http"})

        assert provider.options == {"token": "env:T", "url_scheme": "http"}


class TestGivenAnEnvironment:
    @pytest.mark.parametrize(
        ("tier", "confirm", "asks"),
        [
            ("production", "auto", "name"),
            ("disaster-recovery", "auto", "name"),
            ("staging", "auto", "yes"),
            ("production", "none", "none"),
            ("staging", "name", "name"),
        ],
    )
    def test_when_it_says_how_to_agree_then_that_counts_more_than_its_tier(
        self, tier: str, confirm: str, asks: str
    ) -> None:
        environment = EnvironmentSettings.model_validate({"tier": tier, "confirm": confirm})

        assert environment.confirmation == asks


class TestGivenLengthsOfTime:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("5s", 5), ("1h30m", 5400), ("250ms", 0.25), ("30d", 2_592_000), ("0", 0), ("1.5m", 90), ("2w", 1_209_600)],
    )
    def test_when_written_as_people_do_then_they_are_read(self, text: str, seconds: float) -> None:
        assert parse_duration(text) == timedelta(seconds=seconds)

    @pytest.mark.parametrize("text", ["5", "", "five", "-5s", "5 parsecs", "s", "1h,30m"])
    def test_when_written_otherwise_then_they_are_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="length of time"):
            parse_duration(text)

    @given(st.integers(0, 10**10))
    def test_when_written_back_then_nothing_is_lost(self, milliseconds: int) -> None:
        length = timedelta(milliseconds=milliseconds)

        assert parse_duration(format_duration(length)) == length
