"""Tables, keys, indexes and relations on the other side; what cannot go is named, never dropped without a word."""

from __future__ import annotations

import psycopg
import pytest

SHOP = """
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT COLLATE NOCASE NOT NULL UNIQUE,
  created DATETIME DEFAULT CURRENT_TIMESTAMP, kind TEXT DEFAULT 'plain', paid BOOLEAN DEFAULT 0,
  boss INTEGER REFERENCES users(id), CHECK (length(email) > 2));
INSERT INTO users (id, email, boss) VALUES (1, 'A@x', 1), (2, 'b@x', 1), (9, 'gone', 1);
DELETE FROM users WHERE id = 9;
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INT REFERENCES users ON DELETE CASCADE, cents INT NOT NULL,
  twice INT GENERATED ALWAYS AS (cents * 2) STORED, hashed TEXT GENERATED ALWAYS AS (hex(cents)) VIRTUAL);
INSERT INTO orders (id, user_id, cents) VALUES (5, 1, 100), (6, 2, 50);
CREATE INDEX big ON orders (cents DESC) WHERE cents > 60;
CREATE INDEX folded ON users (lower(email));
CREATE TABLE pairs (a TEXT, b INT, PRIMARY KEY (a, b)) WITHOUT ROWID;
INSERT INTO pairs VALUES ('x', 1), ('x', 2), ('é', 1), ('Z', 3);
CREATE VIEW totals AS SELECT user_id, sum(cents) FROM orders GROUP BY 1;
CREATE TRIGGER noted AFTER INSERT ON orders BEGIN SELECT 1; END;
"""


class TestGivenAShop:
    @pytest.fixture
    def sent(self, journey):
        journey.write(SHOP)
        return journey, journey.go()

    def test_then_everything_is_proven(self, sent):
        _, result = sent

        assert result.holds
        assert {proof.table: proof.target for proof in result.proofs} == {"users": 2, "orders": 2, "pairs": 4}

    def test_then_a_deleted_number_never_comes_back(self, sent):
        journey, _ = sent

        with psycopg.connect(journey.dsn) as target:
            row = target.execute("INSERT INTO users (email) VALUES ('c@x') RETURNING id, kind, paid").fetchone()

        assert row == (10, "plain", False)

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO users (email) VALUES ('a@X')",
            "INSERT INTO users (email) VALUES ('x')",
            "INSERT INTO orders (user_id, cents) VALUES (77, 1)",
            "INSERT INTO orders (user_id, cents) VALUES (1, NULL)",
            "INSERT INTO pairs VALUES ('x', 1)",
        ],
    )
    def test_then_its_conditions_hold_over_there(self, sent, statement):
        journey, _ = sent

        with psycopg.connect(journey.dsn) as target, pytest.raises(psycopg.errors.IntegrityError):
            target.execute(statement.encode())

    def test_then_computed_columns_compute_where_they_can(self, sent):
        journey, result = sent

        assert journey.rows("SELECT twice, hashed FROM orders ORDER BY id") == [(200, "313030"), (100, "3530")]
        assert any("orders.hashed" in line for line in result.by_hand)

    def test_then_what_only_a_person_can_bring_is_listed(self, sent):
        _, result = sent

        assert any(line.startswith("view totals") for line in result.by_hand)
        assert any(line.startswith("trigger noted") for line in result.by_hand)


class TestGivenComputedColumnsThatBothSidesReadOtherwise:
    def test_then_they_have_the_values_of_sqlite(self, journey):
        journey.write(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, n INT, up TEXT AS (upper(v)), part REAL AS (n * 1.1));"
            "INSERT INTO t (v, n) VALUES ('aé', 3)"
        )

        assert journey.go().holds
        assert journey.rows("SELECT up, part FROM t") == [("Aé", 3.3000000000000003)]


class TestGivenRowsThatPointNowhere:
    def test_then_they_arrive_and_the_relation_says_so(self, journey):
        journey.write(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a);"
            "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1), (2, 99)"
        )

        result = journey.go()

        assert not result.holds
        assert any("(99)" in one.reason for one in result.missing)
        assert result.faults == ("1 rows of b point to no row of a",)
        assert journey.rows("SELECT id, a FROM b ORDER BY id") == [(1, 1), (2, 99)]
        assert [proof.insert for proof in result.proofs] == ["", ""]


class TestGivenARowThatBreaksACondition:
    def test_then_it_arrives_and_a_new_row_is_tried_by_another(self, journey):
        journey.write(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, n INT, CHECK (n > 0)); PRAGMA ignore_check_constraints = on;"
            "INSERT INTO a VALUES (1, 1), (2, -1)"
        )

        result = journey.go()

        assert [one.about for one in result.missing] == ["check a_check1 of a for all rows"]
        assert [proof.insert for proof in result.proofs] == [""]


class TestGivenOddNames:
    def test_then_they_are_folded_kept_apart_and_short_enough(self, journey):
        long = "n" * 80
        journey.write(
            f'CREATE TABLE "Order" ("select" INT, "A2" INT, "a 2" INT, "{long}" INT);'
            f'INSERT INTO "Order" VALUES (1, 2, 3, 4)'
        )

        result = journey.go()

        assert result.holds
        names = [column.name for column in result.plan.tables[0].columns]
        assert names[:3] == ["select", "a2", "a 2"]
        assert len(names[3]) == 63
        assert journey.rows('SELECT "select", a2, "a 2" FROM "order"') == [(1, 2, 3)]

    def test_when_two_differ_only_in_case_then_both_arrive(self, journey):
        journey.write(
            'CREATE TABLE "x" (a INT); CREATE TABLE y (a INT); INSERT INTO x VALUES (1); INSERT INTO y VALUES (2)'
        )

        result = journey.go(keep_case=True)

        assert {table.name for table in result.plan.tables} == {"x", "y"}


class TestGivenTablesWithoutAKey:
    def test_then_rows_that_are_the_same_all_arrive(self, journey):
        journey.write("CREATE TABLE t (a INT, b TEXT); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (NULL, NULL)")

        assert journey.go().holds
        assert journey.rows("SELECT count(*) FROM t") == [(3,)]

    def test_when_a_key_is_null_then_that_row_is_aside(self, journey):
        journey.write("CREATE TABLE t (k TEXT PRIMARY KEY); INSERT INTO t VALUES (NULL), ('a')")

        result = journey.go()

        assert [one.reason for one in result.refused] == ["NULL in a primary key"]
        assert journey.rows("SELECT k FROM t") == [("a",)]
