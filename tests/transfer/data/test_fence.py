"""A source that takes no writes: whoever has it open, however they write; and as it was afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from console.domain.errors import UsageError
from console.transfer.data import fence as fencing
from console.transfer.data.fence import fence, unfence
from console.transfer.data.inventory import take_inventory

SCHEMA = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, "total sum" REAL, code TEXT UNIQUE);
CREATE TABLE "odd ""name" (a TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE VIEW big AS SELECT * FROM orders;
CREATE TRIGGER through INSTEAD OF INSERT ON big BEGIN INSERT INTO orders (code) VALUES (new.code); END;
INSERT INTO orders VALUES (1, 2.5, 'a');
"""
WRITES = (
    "INSERT INTO orders (code) VALUES ('b')",
    "INSERT OR IGNORE INTO orders (code) VALUES ('b')",
    "REPLACE INTO orders VALUES (1, 3.0, 'a')",
    "UPDATE OR IGNORE orders SET code = 'c'",
    "DELETE FROM orders",
    "INSERT INTO big (code) VALUES ('b')",
    'INSERT INTO "odd ""name" VALUES (\'x\')',
    "INSERT INTO orders (id, code) VALUES (1, 'z') ON CONFLICT (id) DO UPDATE SET code = 'z'",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as lite:
        lite.execute("PRAGMA journal_mode = wal")
        lite.executescript(SCHEMA)
    return path


class TestGivenASourceThatIsClosed:
    def test_then_nobody_writes_to_it_however_they_try_and_all_read_it(self, source: Path) -> None:
        with closing(sqlite3.connect(source, isolation_level=None)) as app:
            app.execute("SELECT * FROM orders").fetchall()

            held = fence(source)

            for statement in WRITES:
                with pytest.raises(sqlite3.IntegrityError, match="is being moved"):
                    app.execute(statement)
            assert app.execute("SELECT count(*) FROM orders").fetchone() == (1,)
            assert set(held) == {"orders", 'odd "name'}

    def test_when_opened_again_then_it_is_as_it_was(self, source: Path) -> None:
        with closing(sqlite3.connect(source)) as lite:
            before = list(lite.iterdump())
            fence(source)
            fence(source)
            things = [thing.name for thing in take_inventory(lite).things]

            assert unfence(source) == 6
            assert unfence(source) == 0
            assert list(lite.iterdump()) == before
            assert things == ["big", "through"]

    def test_when_somebody_has_written_and_not_ended_then_it_is_said_and_nothing_done(
        self, source: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fencing, "PATIENCE_SECONDS", 0.05)
        with closing(sqlite3.connect(source, isolation_level=None)) as app:
            app.execute("BEGIN IMMEDIATE")

            with pytest.raises(UsageError, match="locked"):
                fence(source)

            app.execute("ROLLBACK")
        assert unfence(source) == 0
