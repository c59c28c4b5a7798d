"""Values that were replaced can be found again, by their owner alone, and for a time."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.domain.errors import StoreError
from console.storage.kept import KeptValues


@pytest.fixture
def kept(tmp_path: Path) -> KeptValues:
    return KeptValues(tmp_path / "kept")


class TestGivenKeptValues:
    def test_when_looked_for_then_the_newest_that_fits_is_found(self, kept: KeptValues, tmp_path: Path) -> None:
        kept.keep("d1/api.configure", "srv-1", {"KEY": "old", "LEVEL": "info"})
        kept.keep("d2/api.configure", "srv-1", {"KEY": "newer"})
        kept.keep("d3/api.configure", "srv-2", {"KEY": "another"})

        assert kept.find("srv-1", "KEY", lambda value: value == "old") == "old"
        assert kept.find("srv-1", "KEY", lambda value: value == "another") is None
        assert kept.find("srv-9", "KEY", lambda value: True) is None

    def test_when_kept_again_under_one_name_then_the_first_stays(self, kept: KeptValues) -> None:
        kept.keep("d1/step", "srv-1", {"KEY": "before"})
        kept.keep("d1/step", "srv-1", {"KEY": "half changed"})

        assert kept.find("srv-1", "KEY", lambda value: True) == "before"

    def test_when_written_then_only_the_owner_can_read_them(self, kept: KeptValues, tmp_path: Path) -> None:
        kept.keep("d1/step", "srv-1", {"KEY": "x"})

        files = list((tmp_path / "kept").iterdir())
        assert [file.stat().st_mode & 0o777 for file in files] == [0o600]
        assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700

    def test_when_they_are_past_their_time_then_they_go(self, kept: KeptValues, tmp_path: Path) -> None:
        kept.keep("d1/step", "srv-1", {"KEY": "x"})
        kept.keep("d2/step", "srv-1", {"KEY": "y"})
        now = datetime.now(UTC)
        long_ago = (now - timedelta(days=40)).timestamp()
        os.utime(tmp_path / "kept" / "d1%2Fstep.json", (long_ago, long_ago))

        assert kept.forget(now - timedelta(days=30)) == 1
        assert kept.find("srv-1", "KEY", lambda value: value == "x") is None
        assert kept.find("srv-1", "KEY", lambda value: value == "y") == "y"

    def test_when_a_file_is_damaged_then_the_others_are_still_found(self, kept: KeptValues, tmp_path: Path) -> None:
        kept.keep("d1/step", "srv-1", {"KEY": "x"})
        (tmp_path / "kept" / "broken.json").write_text("{")

        assert kept.find("srv-1", "KEY", lambda value: True) == "x"

    def test_when_they_cannot_be_written_then_that_is_said_before_anything_changes(self, tmp_path: Path) -> None:
        (tmp_path / "kept").write_text("a file in the way")

        with pytest.raises(StoreError, match="cannot be kept"):
            KeptValues(tmp_path / "kept").keep("d1/step", "srv-1", {"KEY": "x"})

    def test_when_a_value_is_dropped_then_it_is_in_no_file_and_others_stay(
        self, kept: KeptValues, tmp_path: Path
    ) -> None:
        kept.keep("one", "api", {"A": "old-value", "B": "other"})
        kept.keep("two", "worker", {"A": "old-value"})

        count = kept.drop(lambda value: value == "old-value")

        assert count == 2
        assert kept.find("api", "A", lambda _: True) is None
        assert kept.find("api", "B", lambda _: True) == "other"
        assert not any("old-value" in path.read_text() for path in tmp_path.rglob("*.json"))
        assert kept.drop(lambda value: value == "old-value") == 0
