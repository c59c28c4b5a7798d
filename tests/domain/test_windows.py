"""Windows of time: days, nights, clocks that are put forward."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.windows import parse_window

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestGivenAWindow:
    @pytest.mark.parametrize(
        ("text", "now", "opened"),
        [
            ("sun 02:00-04:00", "2026-11-22T02:00", ("2026-11-22T02:00", "2026-11-22T04:00")),
            ("sun 02:00-04:00", "2026-11-22T04:00", None),
            ("sun 02:00-04:00", "2026-11-23T03:00", None),
            ("daily 23:30-00:30", "2026-11-23T00:10", ("2026-11-22T23:30", "2026-11-23T00:30")),
            ("sun 23:30-00:30", "2026-11-23T00:10", ("2026-11-22T23:30", "2026-11-23T00:30")),
            ("2026-12-01 22:00-02:00", "2026-12-02T01:59", ("2026-12-01T22:00", "2026-12-02T02:00")),
            ("2026-12-01 22:00-02:00", "2026-12-02T22:30", None),
            ("fri 16:00-mon 08:00", "2026-11-22T03:00", ("2026-11-20T16:00", "2026-11-23T08:00")),
            ("fri 16:00-mon 08:00", "2026-11-23T08:00", None),
            ("mon 08:00-mon 08:00", "2026-11-22T03:00", ("2026-11-16T08:00", "2026-11-23T08:00")),
            ("mon 08:00-mon 09:00", "2026-11-22T03:00", None),
            (
                "2026-12-20 18:00-2027-01-04 08:00",
                "2027-01-04T07:59",
                ("2026-12-20T18:00", "2027-01-04T08:00"),
            ),
        ],
    )
    def test_when_asked_then_it_is_open_or_not(self, text: str, now: str, opened: tuple[str, str] | None):
        found = parse_window(text).open_at(at(now), UTC)

        assert found == (opened and (at(opened[0]), at(opened[1])))

    def test_when_it_means_another_clock_then_summer_time_counts(self):
        window = parse_window("daily 03:00-03:30")

        assert window.open_at(at("2026-11-22T02:10"), BERLIN) is not None
        assert window.open_at(at("2026-07-22T01:10"), BERLIN) is not None
        assert window.open_at(at("2026-07-22T02:10"), BERLIN) is None

    def test_when_the_clock_is_put_forward_within_then_it_is_an_hour_shorter(self):
        begin, end = parse_window("sun 01:30-03:30").open_at(at("2026-03-29T00:45"), BERLIN) or pytest.fail("closed")

        assert end - begin == timedelta(hours=1)


class TestGivenAWindowToCome:
    @pytest.mark.parametrize(
        ("text", "now", "begins"),
        [
            ("fri 16:00-mon 08:00", "2026-11-22T03:00", "2026-11-27T16:00"),
            ("fri 16:00-mon 08:00", "2026-11-27T15:59", "2026-11-27T16:00"),
            ("sun 02:00-04:00", "2026-11-22T02:00", "2026-11-29T02:00"),
            ("daily 22:00-06:00", "2026-11-22T23:00", "2026-11-23T22:00"),
            ("2026-12-20 18:00-2027-01-04 08:00", "2026-11-22T03:00", "2026-12-20T18:00"),
            ("2026-12-20 18:00-2027-01-04 08:00", "2026-12-21T03:00", None),
        ],
    )
    def test_when_asked_then_the_first_that_has_not_begun_is_next(self, text: str, now: str, begins: str | None):
        found = parse_window(text).next_after(at(now), UTC)

        assert (found and found[0]) == (begins and at(begins))

    @given(
        st.sampled_from(["fri 16:00-mon 08:00", "daily 23:00-01:00", "sun 02:00-04:00", "wed 10:00-wed 09:00"]),
        st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: at("2026-01-01T00:00") + timedelta(minutes=minutes)),
        st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    )
    def test_when_it_is_open_then_it_is_before_the_next_and_never_empty(self, text: str, now: datetime, zone: str):
        window = parse_window(text)

        opened, ahead = window.open_at(now, ZoneInfo(zone)), window.next_after(now, ZoneInfo(zone))

        assert ahead is not None
        assert now < ahead[0] < ahead[1]
        assert opened is None or opened[0] <= now < opened[1]


class TestGivenWhatIsNoWindow:
    @pytest.mark.parametrize(
        "text",
        [
            "sunday",
            "sun 2-4",
            "someday 02:00-04:00",
            "sun 25:00-26:00",
            "2026-13-01 1:00-2:00",
            "fri 16:00-someday 08:00",
        ],
    )
    def test_then_it_says_what_is_wrong(self, text: str):
        with pytest.raises(ValueError, match="is no"):
            parse_window(text)

    @pytest.mark.parametrize("text", ["daily 16:00-mon 08:00", "fri 16:00-2026-12-01 08:00"])
    def test_when_its_days_are_of_two_kinds_then_it_says_so(self, text: str):
        with pytest.raises(ValueError, match="two kinds"):
            parse_window(text)

    def test_when_it_ends_before_it_begins_then_it_says_so(self):
        with pytest.raises(ValueError, match="ends before"):
            parse_window("2026-12-20 18:00-2026-12-20 17:00")
