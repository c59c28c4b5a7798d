"""Log files: written in batches, found by time and text, followed, bounded, and whole after a kill."""

from __future__ import annotations

import os
import resource
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.telemetry import LogLine
from console.storage.log_files import format_line, name_of, parse_line, segments
from console.storage.log_search import LineFilter
from console.storage.logs import FOLLOWED_LINES, PIECE_LINES, LogStore
from console.storage.retention import Keep, prune

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
PRODUCTION = EnvironmentName("production")
D1 = DeploymentId("d1")


def line(second: float, text: str, source: str = "api", level: str = "info") -> LogLine:
    return LogLine(START + timedelta(seconds=second), source, text, level)


def texts(lines) -> list[str]:
    return [found.text for found in lines]


@pytest.fixture
async def store(tmp_path: Path):
    opened = LogStore(tmp_path / "logs")
    yield opened
    await opened.close()


class TestGivenLinesOfSeveralSources:
    @pytest.fixture(autouse=True)
    def _written(self, store):
        store.write(PRODUCTION, [line(1, "GET /cart"), line(2, "Failed: naïve ÄÖ", level="error")])
        store.write(PRODUCTION, [line(1.5, "rendered", "web")])
        store.write(PRODUCTION, [line(3, "building", "render")], D1)
        store.write(EnvironmentName("staging"), [line(2, "GET /elsewhere")])

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (LineFilter(PRODUCTION), ["GET /cart", "rendered", "Failed: naïve ÄÖ", "building"]),
            (LineFilter(PRODUCTION, D1), ["building"]),
            (LineFilter(PRODUCTION, sources=("web",)), ["rendered"]),
            (LineFilter(PRODUCTION, text="get"), ["GET /cart"]),
            (LineFilter(PRODUCTION, text="äö"), ["Failed: naïve ÄÖ"]),
            (LineFilter(PRODUCTION, level="warning"), ["Failed: naïve ÄÖ"]),
            (LineFilter(PRODUCTION, since=START + timedelta(seconds=2)), ["Failed: naïve ÄÖ", "building"]),
            (LineFilter(PRODUCTION, until=START + timedelta(seconds=1)), ["GET /cart"]),
            (LineFilter(text="get"), ["GET /cart", "GET /elsewhere"]),
            (LineFilter(EnvironmentName("nowhere")), []),
        ],
    )
    async def test_when_they_are_searched_then_what_fits_comes_in_order(self, store, wanted, expected):
        assert texts(await store.search(wanted)) == expected

    async def test_when_few_are_wanted_then_the_newest_come(self, store):
        assert texts(await store.search(LineFilter(PRODUCTION), 2)) == ["Failed: naïve ÄÖ", "building"]

    async def test_when_they_are_read_then_they_are_for_the_owner_alone(self, store, tmp_path):
        await store.flush()

        modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "logs").rglob("*.log")}

        assert modes == {0o600}


class TestGivenManyLines:
    async def test_when_they_pass_several_segments_then_order_and_numbers_hold(self, tmp_path):
        store = LogStore(tmp_path, segment_bytes=200_000)
        for begin in range(0, 6000, 500):
            store.write(PRODUCTION, [line(i, f"line {i} " + "x" * 80) for i in range(begin, begin + 500)])
            await store.flush()

        found = await store.search(LineFilter(PRODUCTION, text="line "), 20_000)

        await store.close()
        assert [int(item.text.split()[1]) for item in found] == list(range(6000))
        assert [item.number for item in found] == list(range(1, 6001))
        assert len(segments(tmp_path / "production" / "live", "api")) > 2

    async def test_when_a_time_is_wanted_then_only_that_time_comes(self, tmp_path):
        store = LogStore(tmp_path, segment_bytes=400_000)
        for begin in range(0, 6000, 200):
            store.write(PRODUCTION, [line(i, "x" * 100) for i in range(begin, begin + 200)])
            await store.flush()

        found = await store.search(
            LineFilter(PRODUCTION, since=START + timedelta(seconds=2000), until=START + timedelta(seconds=2009))
        )

        await store.close()
        assert [(item.at - START).total_seconds() for item in found] == list(range(2000, 2010))

    async def test_when_they_come_faster_than_the_disk_then_the_loss_is_counted_and_written(self, tmp_path):
        store = LogStore(tmp_path, queued_lines=1000)

        store.write(PRODUCTION, [line(i, "flood") for i in range(1500)])

        found = await store.search(LineFilter(PRODUCTION), 5000)
        await store.close()
        assert store.dropped == 500
        assert texts(found).count("flood") == 1000
        assert any(text.startswith("500 lines dropped") for text in texts(found))

    async def test_when_old_segments_pile_up_then_the_oldest_go(self, tmp_path):
        store = LogStore(tmp_path, segment_bytes=1000)
        for i in range(40):
            store.write(PRODUCTION, [line(i, "x" * 1200)])
            await store.flush()
        await store.close()

        assert len(list((tmp_path / "production" / "live").glob("*.log"))) <= 9


class TestGivenAStoreThatWasKilled:
    @pytest.fixture
    async def folder(self, tmp_path):
        store = LogStore(tmp_path)
        store.write(PRODUCTION, [line(i, f"line {i} " + "x" * 100) for i in range(2000)])
        await store.close()
        return tmp_path / "production" / "live"

    async def test_when_a_line_was_cut_short_then_the_next_ones_are_whole(self, tmp_path, folder):
        with (folder / "api.log").open("ab") as file:
            file.write(b"2026-11-20T06:33:20.000000Z 20")
        store = LogStore(tmp_path)

        store.write(PRODUCTION, [line(3000, "after")])

        found = await store.search(LineFilter(PRODUCTION), 5000)
        await store.close()
        assert texts(found)[-1] == "after"
        assert len(found) == 2001
        assert found[-1].number == 2001

    async def test_when_the_index_was_lost_then_everything_is_still_found(self, tmp_path, folder):
        (folder / "api.idx").unlink()
        store = LogStore(tmp_path)

        found = await store.search(LineFilter(PRODUCTION, since=START + timedelta(seconds=1990)))

        await store.close()
        assert len(found) == 10


class TestGivenAFollower:
    async def test_when_lines_come_then_it_gets_those_it_wants(self, store):
        with store.listen(LineFilter(PRODUCTION, sources=("api",))) as follower:
            store.write(PRODUCTION, [line(1, "one"), line(2, "other", "web")])
            store.write(EnvironmentName("staging"), [line(3, "elsewhere")])

            lines, dropped = await anext(store.follow(follower))

        assert texts(lines) == ["one"]
        assert dropped == 0

    async def test_when_it_is_slow_then_it_loses_the_oldest_and_is_told_how_many(self, store):
        with store.listen(LineFilter(PRODUCTION)) as follower:
            store.write(PRODUCTION, [line(i, str(i)) for i in range(FOLLOWED_LINES + 700)])
            following = store.follow(follower)

            pieces = [await anext(following) for _ in range(FOLLOWED_LINES // PIECE_LINES)]

        lines = [found for piece, _ in pieces for found in piece]
        assert [int(found.text) for found in lines] == list(range(700, FOLLOWED_LINES + 700))
        assert [dropped for _, dropped in pieces] == [700] + [0] * (len(pieces) - 1)

    async def test_when_it_leaves_then_nothing_is_kept_for_it(self, store):
        with store.listen(LineFilter(PRODUCTION)) as follower:
            pass

        store.write(PRODUCTION, [line(1, "late")])

        assert follower.drain() == ((), 0)


class TestGivenADiskThatTakesNoMore:
    async def test_when_lines_do_not_fit_then_the_file_stays_whole_and_the_loss_is_counted(self, tmp_path):
        store = LogStore(tmp_path)
        store.write(PRODUCTION, [line(1, "kept")])
        await store.flush()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        try:
            store.write(PRODUCTION, [line(i, "x" * 100) for i in range(500)])
            await store.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        store.write(PRODUCTION, [line(2, "room again")])

        found = await store.search(LineFilter(PRODUCTION))

        await store.close()
        assert texts(found)[0] == "kept"
        assert texts(found)[-1] == "room again"
        assert store.dropped == 500


class TestGivenAHistoryToPrune:
    async def test_when_its_time_is_over_then_old_files_and_forgotten_deployments_go(
        self, store, ledger, story, tmp_path
    ):
        for name in ("d1", "d2"):
            await ledger.open_deployment(*story.request(name))
            await ledger.append(story.success(name), unlock=PRODUCTION)
            store.write(PRODUCTION, [line(1, "x")], DeploymentId(name))
        store.write(PRODUCTION, [line(1, "old", "old"), line(1, "new", "new")])
        await store.flush()
        now = datetime.now(UTC)
        old = tmp_path / "logs" / "production" / "live" / "old.log"
        long_ago = (now - timedelta(days=40)).timestamp()
        os.utime(old, (long_ago, long_ago))
        keep = Keep(1, timedelta(days=30), timedelta(days=14))

        pruned = await prune(ledger, store, keep, now)
        again = await prune(ledger, store, keep, now)
        store.write(PRODUCTION, [line(2, "old again", "old")])

        assert (pruned.deployments, pruned.log_files) == (1, 2)
        assert (again.deployments, again.log_files) == (0, 0)
        assert texts(await store.search(LineFilter(PRODUCTION))) == ["new", "x", "old again"]


@given(
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200),
    number=st.integers(1, 10**9),
)
def test_a_line_comes_back_as_it_was_written(text, number):
    written = line(1.25, text, level="warning")

    raw = format_line(written, number).encode()

    assert raw.count(b"\n") == 1
    assert parse_line(raw[:-1], "api") == LogLine(written.at, "api", text, "warning", number)


@pytest.mark.parametrize("source", ["api", "api/worker", "..", "a b~c", ".hidden", "日本", "x[1]*?", ""])
async def test_any_source_has_a_file_of_its_own_within_the_folder(tmp_path, source):
    store = LogStore(tmp_path / "logs")
    store.write(PRODUCTION, [line(1, "here", source)])

    found = await store.search(LineFilter(PRODUCTION))

    await store.close()
    files = list(tmp_path.rglob("*.log"))
    assert [(item.source, item.text) for item in found] == [(name_of(files[0]), "here")]
    assert found[0].source == (source or "unnamed")
    assert files[0].parent == tmp_path / "logs" / "production" / "live"
