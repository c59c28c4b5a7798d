"""Windows of time: days, nights, clocks that are put forward."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

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


class TestGivenWhatIsNoWindow:
    @pytest.mark.parametrize(
        "text", ["sunday", "sun 2-4", "someday 02:00-04:00", "sun 25:00-26:00", "2026-13-01 1:00-2:00"]
    )
    def test_then_it_says_what_is_wrong(self, text: str):
        with pytest.raises(ValueError, match="is no"):
            parse_window(text)
