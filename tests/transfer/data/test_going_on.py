"""A transfer that is cut short goes on where it stood, and one that meets what is there touches nothing."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from console.domain.errors import UsageError
from console.transfer.data import load
from console.transfer.data.load import Stopped
from console.transfer.data.run import run


class TestGivenATransferThatIsCutShort:
    @pytest.fixture
    def big(self, journey, monkeypatch):
        monkeypatch.setattr(load, "PIECE", 10)
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY)")
        journey.write(
            "", *((("INSERT INTO t VALUES (?, ?)"), (n, "bad\0" if n == 7 else f"v{n}")) for n in range(1, 56))
        )
        return journey

    @pytest.mark.parametrize("looks", [1, 3, 6])
    def test_then_the_next_run_goes_on_and_no_row_comes_twice(self, big, looks):
        times = iter(range(100))

        with pytest.raises(Stopped):
            run(big.request(), stopped=lambda: next(times) >= looks)
        between = big.rows("SELECT count(*) FROM t")[0][0]
        big.write("INSERT INTO t VALUES (99, 'later than the snapshot')")
        result = big.go()

        assert between == sum(1 for n in range(1, looks * 10 + 1) if n != 7 and n <= 55)
        assert result.holds
        assert big.rows("SELECT count(*), max(id) FROM t") == [(54, 55)]
        assert result.quarantined == 1

    def test_when_the_server_dies_within_a_piece_then_that_piece_is_loaded_again(self, big):
        def cut(progress):
            if progress.phase == "load" and progress.rows >= 30:
                with psycopg.connect(big.dsn, autocommit=True) as other:
                    other.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )

        with pytest.raises(psycopg.Error):
            run(big.request(), told=cut)
        result = big.go()

        assert result.holds
        assert big.rows("SELECT count(*) FROM t") == [(54,)]


class TestGivenNobodyHeardThatItEnded:
    def test_then_the_same_run_once_more_only_proves_it_again(self, journey):
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        first = journey.go()

        again = journey.go()

        assert again.holds
        assert again.transfer == first.transfer
        assert journey.rows("SELECT count(*) FROM t") == [(1,)]


class TestGivenNamesThatAreTaken:
    def test_then_nothing_is_touched(self, journey):
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        with psycopg.connect(journey.dsn) as target:
            target.execute("CREATE TABLE t (mine int)")

        with pytest.raises(UsageError, match="taken"):
            run(journey.request())

        assert journey.rows("SELECT count(*) FROM t") == [(0,)]


class TestGivenADryRun:
    def test_then_it_says_what_would_be_and_changes_nothing(self, journey):
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 'x'), (2, 3)")

        result = run(replace(journey.request(), dry_run=True))

        assert result.plan.tables[0].columns[1].choice.misfits == 1
        assert journey.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'quarterdeck'") == [(0,)]


class TestGivenSomethingElseThanSqlite:
    def test_then_it_is_said(self, journey):
        journey.file.write_text("hello", encoding="utf-8")

        with pytest.raises(UsageError, match="no SQLite database"):
            run(journey.request())
