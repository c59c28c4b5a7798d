"""The schemas for editors as commands print them, without a worker and without a configuration."""

from __future__ import annotations

import json

import pytest


class TestGivenNoConfiguration:
    @pytest.mark.parametrize("of", [[], ["config"], ["pipeline"]])
    @pytest.mark.parametrize("form", [[], ["--format", "json"]])
    def test_when_a_schema_is_asked_for_then_stdout_is_the_schema_alone(self, shell, of, form):
        ran = shell("config", "schema", *of, *form)

        schema = json.loads(ran.out)
        assert ran.code == 0
        assert schema["title"] == f"Quarterdeck {'pipeline' if of == ['pipeline'] else 'configuration'}"
        assert ran.err == ""

    def test_when_another_word_is_written_then_the_near_one_is_guessed(self, shell):
        ran = shell("config", "schema", "pipline")

        assert ran.code == 2
        assert "Did you mean pipeline?" in ran.err
