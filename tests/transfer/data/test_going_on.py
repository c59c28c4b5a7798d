"""A transfer that is cut short goes on where it stood, and one that meets what is there touches nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from console.domain.errors import UsageError
from console.transfer.data import load
from console.transfer.data.load import Stopped
from console.transfer.data.rehearsal import rehearse
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

        result = rehearse(journey.request())

        assert [(one.table, one.key, one.column) for one in result.refused] == [("t", {"id": 1}, "v")]
        assert result.quarantined == 1
        assert result.holds
        assert journey.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'quarterdeck'") == [(0,)]

    def test_when_a_name_is_taken_then_that_is_told_and_the_rest_too(self, journey):
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        journey.run("CREATE TYPE t AS ENUM ('a')")

        result = rehearse(journey.request())

        assert not result.holds
        assert "names t are taken" in result.obstacles[0]
        assert result.plan.tables[0].name == "t"


class TestGivenAFileThatCannotBeReadAsItIs:
    @pytest.mark.parametrize(("content", "said"), [("hello", "no SQLite database"), ("", "empty")])
    def test_when_it_is_something_else_then_it_is_said(self, journey, content, said):
        journey.file.write_text(content, encoding="utf-8")

        with pytest.raises(UsageError, match=said):
            run(journey.request())

    def test_when_it_is_damaged_then_it_is_said(self, journey):
        journey.write("CREATE TABLE t (v TEXT)", *[("INSERT INTO t VALUES (?)", ("x" * 900,)) for _ in range(40)])
        raw = bytearray(journey.file.read_bytes())
        raw[4096:12288] = b"\xff" * 8192
        journey.file.write_bytes(raw)

        with pytest.raises(UsageError, match="cannot be read"):
            run(journey.request())

    def test_when_its_writer_died_in_the_middle_then_that_write_is_taken_back_in_a_copy(self, journey):
        journey.write("CREATE TABLE t (v TEXT)", *[("INSERT INTO t VALUES (?)", ("x" * 900,)) for _ in range(40)])
        with closing(sqlite3.connect(journey.file, isolation_level=None)) as lite:
            lite.executescript("PRAGMA cache_size = 1; BEGIN; UPDATE t SET v = 'y'")
            left = {end: (journey.file.with_name(f"source.db{end}")).read_bytes() for end in ("", "-journal")}
        for end, raw in left.items():
            journey.file.with_name(f"source.db{end}").write_bytes(raw)

        assert journey.go().holds
        assert journey.rows("SELECT DISTINCT left(v, 1) FROM t") == [("x",)]
        assert journey.file.read_bytes() == left[""]


class TestGivenADatabaseInAnotherEncoding:
    def test_then_nothing_is_begun(self, journey, postgres_dsn):
        with psycopg.connect(postgres_dsn, autocommit=True) as server:
            server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY)")

        with pytest.raises(UsageError, match="encoded in LATIN1"):
            run(replace(journey.request(), address=make_conninfo(postgres_dsn, dbname="latin")))


class TestGivenARunThatWasCutShort:
    def test_when_it_never_began_over_there_then_the_file_is_read_as_it_is_now(self, journey):
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        journey.run("CREATE TABLE t (i int)")
        with pytest.raises(UsageError, match="taken"):
            run(journey.request())
        journey.run("DROP TABLE t")
        journey.write("INSERT INTO t VALUES (2)")

        journey.go()

        assert journey.rows("SELECT id FROM t ORDER BY id") == [(1,), (2,)]

    def test_when_it_is_then_asked_for_otherwise_then_nothing_is_mixed(self, journey):
        journey.write("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        with pytest.raises(Stopped):
            run(journey.request(), stopped=lambda: True)

        with pytest.raises(UsageError, match="asked for otherwise"):
            run(journey.request(schema="other"))
        journey.go()

        assert journey.rows("SELECT id FROM t") == [(1,)]
