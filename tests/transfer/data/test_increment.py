"""After a first transfer: what changed goes over, what others wrote is asked about, and a second run writes nothing."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from console.transfer.data.compare import Difference
from console.transfer.data.increment import Increment, OnConflict, run_increment
from console.transfer.data.load import Stopped

SHOP = """
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, born DATETIME, paid BOOLEAN,
  boss INTEGER REFERENCES users(id));
CREATE TABLE tags (user_id INT REFERENCES users(id), tag TEXT, weight REAL, PRIMARY KEY (user_id, tag));
CREATE TABLE words (word TEXT PRIMARY KEY, said INT);
CREATE TABLE notes (body TEXT);
INSERT INTO users VALUES (1, 'a@x', '2024-01-01T10:00:00', 1, NULL), (2, 'b@x', '2024-01-01 10:00:00.5', 0, 1),
  (3, NULL, NULL, NULL, 1), (4, 'd@x', '2024-02-29 00:00:00', 1, 2);
INSERT INTO tags VALUES (1, 'é', 0.1), (1, 'Z', 2.0), (2, 'a', NULL);
INSERT INTO words VALUES ('x', 1), ('', 2), ('50% "off"', 3);
INSERT INTO notes VALUES ('one');
"""
CHANGES = """
UPDATE users SET email = 'new@x', paid = 0 WHERE id = 2; DELETE FROM tags WHERE tag = 'a';
DELETE FROM users WHERE id = 4; INSERT INTO users VALUES (9, 'z@x', '2024-03-01 00:00:00', 1, 10);
INSERT INTO users VALUES (10, 'y@x', NULL, 1, 9); INSERT INTO tags VALUES (9, 'new', 1.5);
UPDATE words SET said = 30 WHERE word = '50% "off"'; INSERT INTO words VALUES ('y', 4);
"""


@pytest.fixture
def shop(journey):
    """A file that was transferred once."""
    journey.write(SHOP)
    assert journey.go().holds
    return journey


def bring(shop, *tables, deletes=False, on_conflict="stop", dry_run=False):
    request = shop.request(tables=tables or ("users", "tags", "words"), dry_run=dry_run)
    return run_increment(Increment(request, deletes, OnConflict(on_conflict)))


def over_there(shop, *statements):
    with psycopg.connect(shop.dsn) as target:
        for statement in statements:
            target.execute(statement)


def found(result):
    return {
        (table.match.plan.name, one.kind.name, one.raw or one.key) for table in result.tables for one in table.changes
    }


class TestGivenNothingChanged:
    def test_then_nothing_is_found_and_nothing_written(self, shop):
        result = bring(shop)

        assert result.holds
        assert (found(result), result.written) == (set(), 0)


class TestGivenChangesInTheSource:
    def test_when_it_is_a_dry_run_then_they_are_told_and_nothing_is_written(self, shop):
        shop.write(CHANGES)

        result = bring(shop, dry_run=True, deletes=True)

        assert found(result) == {
            ("users", "CHANGED", (2,)), ("users", "ONLY_THERE", ("4",)), ("users", "ONLY_HERE", (9,)),
            ("users", "ONLY_HERE", (10,)), ("tags", "ONLY_HERE", (9, "new")), ("tags", "ONLY_THERE", ("2", "1=a")),
            ("words", "CHANGED", ('50% "off"',)), ("words", "ONLY_HERE", ("y",)),
        }  # fmt: skip
        assert result.conflicts == 0
        assert shop.rows("SELECT max(id) FROM users") == [(4,)]

    def test_then_they_go_over_and_a_second_run_writes_nothing(self, shop):
        shop.write(CHANGES)

        result, again = bring(shop, deletes=True), bring(shop, deletes=True)

        assert result.holds
        assert [(one.match.plan.name, one.upserted, one.deleted) for one in result.tables] == [
            ("users", 3, 1), ("tags", 1, 1), ("words", 2, 0),
        ]  # fmt: skip
        assert shop.rows("SELECT id, email, boss FROM users ORDER BY id") == [
            (1, "a@x", None), (2, "new@x", 1), (3, None, 1), (9, "z@x", 10), (10, "y@x", 9),
        ]  # fmt: skip
        assert shop.rows("INSERT INTO users (email) VALUES ('next') RETURNING id") == [(11,)]
        assert (found(again), again.written) == (set(), 0)

    def test_when_deletions_are_not_asked_for_then_those_rows_stay(self, shop):
        shop.write("DELETE FROM words WHERE word = 'x'")

        result = bring(shop)

        assert result.holds
        assert result.tables[2].found.only_there == 1
        assert ("x",) in shop.rows("SELECT word FROM words")

    def test_when_a_unique_value_moves_from_row_to_row_then_both_arrive(self, shop):
        shop.write("UPDATE users SET email = 'free@x' WHERE id = 4; UPDATE users SET email = 'd@x' WHERE id = 1")

        assert bring(shop).holds
        assert shop.rows("SELECT email FROM users WHERE id IN (1, 4) ORDER BY id") == [("d@x",), ("free@x",)]

    @pytest.mark.parametrize("column", ["email TEXT", "email TEXT NOT NULL COLLATE NOCASE", "email INT NOT NULL"])
    def test_when_rows_exchange_unique_values_then_all_arrive(self, journey, column):
        journey.write(
            f"CREATE TABLE t (id INTEGER PRIMARY KEY, {column} UNIQUE, n INT); INSERT INTO t VALUES (1, 10, 1),"
            "(2, 20, 1), (3, 30, 1), (4, 40, 1)"
        )
        journey.go()
        journey.write(
            "UPDATE t SET email = -email; UPDATE t SET email = CASE id WHEN 1 THEN 20 WHEN 2 THEN 30 WHEN 3 THEN 10"
            " ELSE 41 END"
        )

        result, again = bring(journey, "t"), bring(journey, "t")

        assert (result.holds, result.quarantined, result.tables[0].upserted, again.written) == (True, 0, 4, 0)
        assert journey.rows("SELECT email::int FROM t ORDER BY id") == [(20,), (30,), (10,), (41,)]

    def test_when_a_value_has_no_place_then_the_old_row_stays_and_it_is_in_quarantine_once(self, shop):
        shop.write(
            "UPDATE users SET born = '2024-02-30' WHERE id = 1; INSERT INTO users (id, boss) VALUES (20, 77);"
            "PRAGMA foreign_keys = 0"
        )

        results = [bring(shop, "users", deletes=True) for _ in range(2)]

        assert [one.quarantined for one in results] == [2, 2]
        assert shop.rows("SELECT born IS NOT NULL FROM users WHERE id = 1") == [(True,)]
        assert shop.rows("SELECT key ->> 'id', column_name FROM quarterdeck.quarantine ORDER BY id") == [
            ("1", "born"), ("20", ""),
        ]  # fmt: skip

    @pytest.mark.parametrize("mended", ["UPDATE users SET born = NULL WHERE id = 1", "DELETE FROM users WHERE id = 20"])
    def test_when_it_has_a_place_again_or_is_gone_then_it_leaves_quarantine(self, shop, mended):
        shop.write("UPDATE users SET born = '2024-02-30' WHERE id = 1; INSERT INTO users (id, boss) VALUES (20, 77);")
        told = bring(shop, "users").refused
        shop.write(mended)

        result = bring(shop, "users")

        assert sorted(one.key["id"] for one in told) == [1, 20]
        assert [one.key["id"] for one in result.refused] == [20 if "NULL" in mended else 1]
        assert shop.rows("SELECT key ->> 'id' FROM quarterdeck.quarantine") == [(str(result.refused[0].key["id"]),)]

    def test_when_values_are_of_another_kind_than_before_then_only_their_rows_are_put_aside(self, journey):
        journey.write(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, h TIME, n NUMERIC, r REAL, d DATETIME, b BLOB);"
            "INSERT INTO t VALUES (1, '10:00:00', 1.5, 2.5, '2024-01-01 00:00:00', x'00')"
        )
        journey.go()
        journey.write(
            "INSERT INTO t (id, h) VALUES (2, 7); INSERT INTO t (id, n) VALUES (3, 'x'), (9, 4.5);"
            "INSERT INTO t (id, r) VALUES (4, 'y');"
            "INSERT INTO t (id, d) VALUES (5, 6); INSERT INTO t (id, b) VALUES (6, 7)"
        )

        result = bring(journey, "t")

        assert [(one.key["id"], one.column) for one in result.refused] == [
            (2, "h"), (3, "n"), (4, "r"), (5, "d"), (6, "b"),
        ]  # fmt: skip
        assert (result.holds, result.written) == (True, 1)

    def test_when_it_is_stopped_then_the_next_run_brings_the_rest(self, shop, monkeypatch):
        monkeypatch.setattr("console.transfer.data.increment.BATCH", 2)
        shop.write("", *(("INSERT INTO words VALUES (?, 0)", (f"w{number}",)) for number in range(9)))
        looks = iter(range(100))

        with pytest.raises(Stopped):
            run_increment(Increment(shop.request(tables=("words",))), stopped=lambda: next(looks) >= 2)
        between = shop.rows("SELECT count(*) FROM words")[0][0]
        result = bring(shop, "words")

        assert 3 < between < 12
        assert result.holds
        assert result.conflicts == 0
        assert shop.rows("SELECT count(*) FROM words") == [(12,)]


class TestGivenRowsThatOthersWrote:
    @pytest.fixture
    def both(self, shop):
        shop.write("UPDATE words SET said = 10 WHERE word = 'x'; UPDATE words SET said = 20 WHERE word = ''")
        over_there(shop, "UPDATE words SET said = 99 WHERE word = 'x'", "INSERT INTO words VALUES ('theirs', 5)")
        return shop

    def test_then_nothing_is_written_before_somebody_decides(self, both):
        result = bring(both, deletes=True)

        assert result.halted
        assert not result.holds
        assert result.conflicts == 2
        assert both.rows("SELECT said FROM words WHERE word = ''") == [(2,)]

    @pytest.mark.parametrize(
        ("choice", "deletes", "expected"),
        [
            ("source", False, [("", 20), ("theirs", 5), ("x", 10)]),
            ("source", True, [("", 20), ("x", 10)]),
            ("target", True, [("", 20), ("theirs", 5), ("x", 99)]),
        ],
    )
    def test_when_a_side_is_chosen_then_it_wins(self, both, choice, deletes, expected):
        assert bring(both, deletes=deletes, on_conflict=choice).holds

        assert both.rows("SELECT word, said FROM words WHERE said <> 3 ORDER BY word") == expected

    def test_when_the_target_was_chosen_then_it_is_a_conflict_still(self, both):
        bring(both, on_conflict="target")

        assert bring(both).conflicts == 1

    def test_when_a_row_was_brought_by_an_increment_then_it_is_no_conflict_later(self, both):
        bring(both, on_conflict="source")
        both.write("UPDATE words SET said = 21 WHERE word IN ('', 'x')")

        result = bring(both)

        assert result.holds
        assert result.tables[2].upserted == 2


class TestGivenSchemasThatDiffer:
    def test_then_every_difference_is_told(self, shop):
        shop.write("ALTER TABLE words ADD COLUMN lang TEXT DEFAULT 'en'; CREATE TABLE fresh (id INTEGER PRIMARY KEY)")
        over_there(shop, "ALTER TABLE users ADD COLUMN score int", "ALTER TABLE tags ALTER COLUMN weight TYPE real")

        result = run_increment(Increment(shop.request()))

        assert {(gap.table, gap.column, gap.loses) for gap in result.gaps} == {
            ("words", "lang", True), ("fresh", "", True), ("users", "score", False), ("notes", "", True),
        }  # fmt: skip
        assert not result.holds
        assert not any(table.found.all for table in result.tables)

    def test_when_nobody_transferred_it_before_then_its_types_are_taken_as_they_are(self, journey):
        journey.write(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME, cents DECIMAL(8,2), n INT);"
            "INSERT INTO t VALUES (1, 1704110400, 1.5, 7), (2, 1704110401, 1.255, 8), (3, 1704110402, 2, 99999)"
        )
        over_there(
            journey,
            "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz,"
            " cents numeric(8,2), n int2)",
            "INSERT INTO t OVERRIDING SYSTEM VALUE VALUES (1, '2024-01-01 12:00:00Z', 1.50, 0)",
        )

        stopped, result = run_increment(Increment(journey.request())), bring(journey, "t", on_conflict="source")

        assert stopped.halted
        assert not stopped.tables[0].known
        assert journey.rows("SELECT id, extract(epoch FROM at)::int, cents::text, n FROM t") == [
            (1, 1704110400, "1.50", 7)
        ]
        assert [(one.key, one.column) for one in result.refused] == [({"id": 2}, "cents"), ({"id": 3}, "n")]


class TestGivenManyRows:
    def test_then_every_planted_difference_is_found_and_none_invented(self, journey):
        journey.write(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, r REAL);"
            "WITH RECURSIVE n(i) AS (SELECT -700 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
            "INSERT INTO t SELECT i * 3, 'v' || i, i / 7.0 FROM n"
        )
        journey.go()
        over_there(
            journey,
            "INSERT INTO t VALUES (-9000, '', 0), (1, '', 0), (9000, '', 0)",
            "DELETE FROM t WHERE id IN (-2100, 300, 7500)",
            "UPDATE t SET r = r + 1e-10 WHERE id IN (3, 3000)",
            "UPDATE t SET v = NULL WHERE id = 6000",
        )

        result = run_increment(Increment(replace(journey.request(), dry_run=True), on_conflict=OnConflict.SOURCE))

        by_kind = {
            kind: {int(one.key[0]) for one in result.tables[0].changes if one.kind is kind} for kind in Difference
        }
        assert by_kind == {
            Difference.ONLY_THERE: {-9000, 1, 9000},
            Difference.ONLY_HERE: {-2100, 300, 7500},
            Difference.CHANGED: {3, 3000, 6000},
            Difference.NO_PLACE: set(),
        }
