"""Command lines with a slip of the finger: what was wrong, what was perhaps meant, and always code 2."""

from __future__ import annotations

import pytest


class TestGivenASlipOfTheFinger:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("deplyo production", "Did you mean deploy?"),
            ("deploy production --relase v1.1", "Did you mean --release?"),
            ("deploy production --wiat", "Did you mean --wait?"),
            ("playground stats", "Did you mean status?"),
            ("playground fault rendr", "Did you mean render?"),
        ],
    )
    def test_then_the_word_that_was_meant_is_offered(self, shell, typed, meant):
        ran = shell(*typed.split())

        assert ran.code == 2
        assert ran.out == ""
        assert meant in ran.err

    @pytest.mark.parametrize(
        "typed", ["zzzzzz", "deploy", "deploy a b", "playground", "worker", "--format yaml status"]
    )
    def test_when_nothing_comes_near_then_help_is_named_and_nothing_is_guessed(self, shell, typed):
        ran = shell(*typed.split())

        assert ran.code == 2
        assert ran.out == ""
        assert "--help`." in ran.err.splitlines()[-1]
        assert "Did you mean" not in ran.err

    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ("history --limit -1", "'-1' is not a whole number from 1 on"),
            ("logs --limit many", "'many' is not a whole number from 1 on"),
            ("deploy production --wait --timeout -3", "'-3' is not a number of seconds"),
            ("deploy production --wait --timeout nan", "'nan' is not a number of seconds"),
        ],
    )
    def test_when_a_number_is_none_then_it_is_quoted(self, shell, typed, told):
        ran = shell(*typed.split())

        assert ran.code == 2
        assert told in ran.err

    def test_when_the_format_stands_before_the_command_then_it_counts(self, shell):
        assert shell("--format", "json", "status").out == shell("status", "--format", "json").out
