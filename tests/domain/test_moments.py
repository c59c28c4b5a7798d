"""Moments to come: times of day, zones, clocks that are put forward."""

from datetime import UTC, datetime

import pytest

from console.domain.moments import parse_coming, split_moment

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class TestGivenWhatSomebodyTyped:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("22:00", "2026-11-22T22:00"),
            ("9:30", "2026-11-23T09:30"),
            ("12:00", "2026-11-23T12:00"),
            ("12:30 Europe/Berlin", "2026-11-23T11:30"),
            ("13:30 Europe/Berlin", "2026-11-22T12:30"),
            ("22:00+01:00", "2026-11-22T21:00"),
            ("22:00Z", "2026-11-22T22:00"),
            ("2026-11-30T08:00", "2026-11-30T08:00"),
            ("2026-11-30 08:00", "2026-11-30T08:00"),
            ("2026-11-30 08:00 Europe/Berlin", "2026-11-30T07:00"),
            ("2026-11-30T08:00+02:00", "2026-11-30T06:00"),
            ("2026-12-01", "2026-12-01T00:00"),
        ],
    )
    def test_then_it_is_the_moment_that_they_mean(self, typed: str, meant: str):
        assert parse_coming(typed, NOW) == datetime.fromisoformat(meant).replace(tzinfo=UTC)

    @pytest.mark.parametrize(
        ("typed", "meant", "rest"),
        [
            ("22:00", "2026-11-22T22:00", ""),
            ("22:00 v1.5", "2026-11-22T22:00", "v1.5"),
            ("22:00 Europe/Berlin v1.5", "2026-11-22T21:00", "v1.5"),
            ("2026-11-30 08:00 Europe/Berlin", "2026-11-30T07:00", ""),
            ("2026-11-30T08:00 main", "2026-11-30T08:00", "main"),
        ],
    )
    def test_when_a_release_stands_behind_it_then_the_two_are_told_apart(self, typed: str, meant: str, rest: str):
        assert split_moment(typed, NOW) == (datetime.fromisoformat(meant).replace(tzinfo=UTC), rest)

    def test_when_only_a_release_stands_there_then_it_says_how_a_time_is_written(self):
        with pytest.raises(ValueError, match="does not begin with a time"):
            split_moment("v1.5", NOW)

    def test_when_the_clock_leaves_that_time_out_then_it_is_the_one_an_hour_later(self):
        before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)

        assert parse_coming("02:30 Europe/Berlin", before) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

    @pytest.mark.parametrize("typed", ["", "tonight", "the end", "25:00", "22:00 Nowhere/Atlantis", "22", "2026-13-01"])
    def test_when_it_is_no_time_then_it_says_how_one_is_written(self, typed: str):
        with pytest.raises(ValueError, match="write 22:00"):
            parse_coming(typed, NOW)
