"""Any value in any column, over and over: rows in are rows out plus quarantined, and what arrived is the same."""

from __future__ import annotations

from random import Random

import pytest

from console.transfer.data.increment import Increment, run_increment
from console.transfer.data.rehearsal import rehearse

TYPES = (
    "", "INTEGER", "INT", "REAL", "NUMERIC", "DECIMAL(8,2)", "TEXT", "VARCHAR(8)", "BLOB", "BOOLEAN", "DATE",
    "DATETIME", "TIMESTAMP WITH TIME ZONE", "TIME", "JSON", "JSONB", "UUID", "ANY", "foo bar",
)  # fmt: skip
VALUES = (
    None, 0, 1, -1, 2**53 + 1, -(2**63), 2**63 - 1, 0.1 + 0.2, -0.0, 5e-324, 1e300, 9.5e18, float("inf"), "", "a", "A",
    "a ", "é", "東京", "\\N", "\t\n\r", "nul\0", "\x1e", "\x1f1=a", "1", " 1", "01", "1.0", "1e400", "NaN", "infinity",
    "now", "true", "f", "2024-01-01", "2024-02-30", "0000-00-00", "2024-01-01 24:00:00", "0001-01-01T00:00:00+05:00",
    "9999-12-31 23:59:59.9999999", "2024-01-01 10:00:00.1234567Z", "10:00", "25:00", 1700000000, 1.7e12, 2451545.5,
    b"", b"abc", b"\xff\xfe", b"\x01" * 16, "6F9619FF-8B86-D011-B42D-00CF4FC964FF", '{"a":1,"a":2}', '{"b":[1.50,1E2]}',
    '"\\u0000"', '"\\ud800"', "{bad", "[" * 300 + "]" * 300,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_then_no_row_is_lost_and_an_increment_finds_nothing(journey, seed):
    chance = Random(seed)
    columns = [f"c{number} {chance.choice(TYPES)}" for number in range(12)]
    palettes = [chance.sample(VALUES, chance.choice((1, 2, 4, 9))) for _ in columns]
    rows = [tuple(map(chance.choice, palettes)) for _ in range(60)]
    places = ", ".join("?" * len(columns))
    journey.write(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, {', '.join(columns)})",
        *((f"INSERT INTO t VALUES (NULL, {places})", row) for row in rows),
    )

    foretold = rehearse(journey.request())
    result = journey.go()
    again = run_increment(Increment(journey.request()))

    assert foretold.quarantined == result.quarantined
    assert {(one.key["id"], one.column, one.reason) for one in foretold.refused} == {
        (one.key["id"], one.column, one.reason) for one in result.refused
    }
    assert (again.holds, again.written, again.conflicts) == (True, 0, 0)
