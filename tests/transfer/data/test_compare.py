"""Pieces that are compared by one hash say the same as a look at every row, whatever is in them."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing

import psycopg
import pytest

from console.transfer.data import bases, compare, pieces
from console.transfer.data.catalog import read_catalog
from console.transfer.data.compare import find_differences
from console.transfer.data.hashing import compared
from console.transfer.data.inventory import take_inventory
from console.transfer.data.matching import match_tables
from console.transfer.data.run import connect_target
from console.transfer.data.source import connect

SIGNS = ("a", "é", "東", "🚢", "\t", "\n", "\\", '"', "'", "\x1d", "\x1e", "\x1f", "\x7f", "=", ",", "%", "]", "\u2028")
COLUMNS = {
    "n": ("INTEGER", lambda luck: luck.choice((None, 0, -1, 2**63 - 1, -(2**63), luck.randrange(10**6)))),
    "r": ("REAL", lambda luck: luck.choice((None, 0.1 + 0.2, -0.0, 1e300, 5e-324, luck.random()))),
    "t": ("TEXT", lambda luck: luck.choice((None, "", "null", "".join(luck.choices(SIGNS, k=5))))),
    "v": ("VARCHAR(9)", lambda luck: luck.choice((None, "".join(luck.choices(SIGNS, k=luck.randrange(9)))))),
    "yes": ("BOOLEAN", lambda luck: luck.choice((None, 0, 1))),
    "at": (
        "DATETIME",
        lambda luck: luck.choice((
            None, "2024-01-01 10:00:00", "2024-01-01T10:00:00", "2024-01-01T10:00:00.000000", "2024-01-01 10:00:00.0",
            "2024-01-01 10:00:00.120", "2024-01-01T10:00:00.123456", "2024-10-10 10:10:10.1",
        )),
    ),
    "day": ("DATE", lambda luck: luck.choice((None, "2024-02-29", "0001-10-10"))),
    "hour": ("TIME", lambda luck: luck.choice((None, "10:00:00", "23:59:59"))),
    "doc": ("JSON", lambda luck: luck.choice((None, "{}", '{"b": "\\u00e9\\n", "a": [1.50, null]}', ' "é" '))),
    "key": ("UUID", lambda luck: luck.choice((None, "6f9619ff-8b86-d011-b42d-00cf4fc964ff"))),
    "raw": ("BLOB", lambda luck: luck.choice((None, b"", b"\x00\xff", b"abc"))),
    "sum": ("DECIMAL(9,2)", lambda luck: luck.choice((None, 1, 2.5, -0.125))),
    "any": ("", lambda luck: luck.choice((None, 1, 2.5, "x", "1"))),
}  # fmt: skip
STRANGE = (
    None, 0, 1, 12, 2**53 + 1, 1.0, 12.5, 1e15, "", "0", "1", "12", "1.0", "true", "null", "a\0b", b"", b"1", b"12",
    b"abc", b"true", b"2024-01-01 10:00:00", b"\xff", "2024-01-01 10:00:00", "2024-01-01 10:00:00.",
    "2024-01-01 10:00:00..0", "2024-01-01x10:00:00", "2024-01-01 10:00:00.1234567", "2024-01-01T10:00:00Z",
    "2024-02-30T00:00:00", "infinity", "6F9619FF-8B86-D011-B42D-00CF4FC964FF", '{"a": 1, "a": 2}', "{bad",
)  # fmt: skip
THERE = (
    "SET n = 12345", "SET r = -r", "SET r = r + 1e-9", "SET t = t || ' '", "SET t = 'null'", "SET t = NULL",
    "SET v = ''", "SET yes = NOT yes", "SET at = at + interval '1 microsecond'",
    "SET at = '2024-01-01 10:00:00'", "SET day = NULL",
    "SET doc = '{ }'", "SET raw = raw || '\\x00'", "SET \"sum\" = 1.0", "SET \"any\" = '12'",
    "SET t = '12', n = 12, yes = true",
)  # fmt: skip


@pytest.fixture(scope="module")
def nothing_else():
    """Rows are compared in small pieces, so that few of them show what many would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "ROWS", 5)
        yield


def plan_of(lite, target):
    matches, _ = match_tables(
        lite,
        take_inventory(lite).tables,
        read_catalog(target, '"public"'),
        bases.load_bases(target, "public"),
        schema="public",
        keep_case=False,
        rules={},
    )
    return matches[0].plan


def differences(journey):
    with closing(connect(journey.file)) as lite, connect_target(journey.dsn) as target:
        return [(one.kind, one.key, one.there) for one in find_differences(lite, target, plan_of(lite, target))]


class TestGivenRowsOfAllTypes:
    @pytest.fixture
    def filled(self, journey):
        luck = random.Random(7)
        names = ", ".join(f'"{name}" {declared}' for name, (declared, _) in COLUMNS.items())
        places = ", ".join("?" * (1 + len(COLUMNS)))
        rows = [(number * 3, *(make(luck) for _, make in COLUMNS.values())) for number in range(200)]
        journey.write(f"CREATE TABLE t (id INTEGER PRIMARY KEY, {names})")
        with closing(sqlite3.connect(journey.file)) as lite, lite:
            lite.executemany(f"INSERT INTO t VALUES ({places})", rows)
        assert journey.go().holds
        return journey

    def test_when_both_sides_are_the_same_then_no_row_is_looked_at(self, filled, nothing_else):
        with closing(connect(filled.file)) as lite, connect_target(filled.dsn) as target, target.transaction():
            spans = list(pieces.spans_that_differ(lite, target, compared(lite, plan_of(lite, target))))

        assert [(one.after, one.until) for one in spans] == [(None, (0,)), ((597,), None)]

    @pytest.mark.parametrize("seed", [1, 2])
    def test_when_either_side_changes_then_pieces_find_what_a_look_at_every_row_finds(
        self, filled, nothing_else, monkeypatch, seed
    ):
        luck = random.Random(seed)
        ids = luck.sample(range(0, 600, 3), 90)
        with closing(sqlite3.connect(filled.file)) as lite, lite:
            for number in ids[:60]:
                lite.execute(
                    f'UPDATE t SET "{luck.choice(list(COLUMNS))}" = ? WHERE id = ?', (luck.choice(STRANGE), number)
                )
            lite.execute("UPDATE t SET t = CAST(x'616263ff' AS TEXT) WHERE id = ?", (ids[0],))
            lite.execute("DELETE FROM t WHERE id = ?", (ids[1],))
        with psycopg.connect(filled.dsn) as target:
            for number in ids[40:]:
                target.execute(f"UPDATE t {luck.choice(THERE)} WHERE id = {number}".encode())
            target.execute(f"DELETE FROM t WHERE id = {ids[-1]}".encode())
            target.execute(f"UPDATE t SET id = id + 1 WHERE id = {ids[-2]}".encode())

        quick = differences(filled)
        monkeypatch.setattr(compare, "can_cut", lambda what: False)
        slow = differences(filled)

        assert quick == slow
        assert len(slow) > 30


class TestGivenMoreColumnsThanAFunctionTakes:
    def test_then_they_are_compared_all_the_same(self, journey):
        names = ", ".join(f"c{number} TEXT" for number in range(200))
        journey.write(
            f"CREATE TABLE t (id INTEGER PRIMARY KEY, {names}); INSERT INTO t (id, c0) VALUES (1, 'x'), (2, 'y')"
        )

        assert journey.go().holds
        journey.run("UPDATE t SET c199 = '' WHERE id = 2")
        assert [key for _, key, _ in differences(journey)] == [("2",)]
