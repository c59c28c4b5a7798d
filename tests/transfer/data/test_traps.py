"""What other tools lose without a word: each value is exact, converted as declared, or in quarantine."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from console.transfer.data.choosing import ColumnRule
from console.transfer.data.converters import Reading
from console.transfer.data.increment import Increment, run_increment

UNLIKELY = 2**63 - 1
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

EXACT = [
    ("INTEGER", (1, -(2**63), UNLIKELY, None), "bigint", (1, -(2**63), UNLIKELY, None)),
    ("INT", (1, 2.5, None), "double precision", (1.0, 2.5, None)),
    ("INT", (UNLIKELY, 2.5), "numeric", (Decimal(UNLIKELY), Decimal("2.5"))),
    ("REAL", (0.1 + 0.2, -0.0, 1e300, 577.1029), "double precision", (0.1 + 0.2, -0.0, 1e300, 577.1029)),
    ("REAL", (float("inf"), float("-inf")), "double precision", (float("inf"), float("-inf"))),
    ("DECIMAL(10,2)", (0.125, 3, -1.5), "numeric", (Decimal("0.125"), Decimal(3), Decimal("-1.5"))),
    ("BOOLEAN", (0, 1, None), "boolean", (False, True, None)),
    ("BOOLEAN", ("true", "f", 1, "no"), "boolean", (True, False, True, False)),
    ("BOOLEAN", (0, 1, 2), "bigint", (0, 1, 2)),
    (
        "TEXT",
        ("", "a\tb\nc\\d", "\\N", "\\.", "東京 🚢", None),
        "text",
        ("", "a\tb\nc\\d", "\\N", "\\.", "東京 🚢", None),
    ),
    ("VARCHAR(5)", ("abcde", "äöü"), "character varying(5)", ("abcde", "äöü")),
    ("VARCHAR(5)", ("abcdef",), "text", ("abcdef",)),
    ("VARCHAR(20000000)", ("a",), "text", ("a",)),
    ("CHAR(4)", ("a ", " b"), "character varying(4)", ("a ", " b")),
    ("BLOB", (b"\x00\xff", b""), "bytea", (b"\x00\xff", b"")),
    ("BLOB", (b"\x01", "text"), "bytea", (b"\x01", b"text")),
    ("DATE", ("2024-02-29", "0001-01-01"), "date", (date(2024, 2, 29), date(1, 1, 1))),
    ("DATE", ("2024-02-29 10:00:00",), "timestamp without time zone", (datetime.fromisoformat("2024-02-29 10:00:00"),)),
    (
        "DATETIME",
        ("2024-01-01 12:00:00", "2024-01-01T12:00:00.5"),
        "timestamp without time zone",
        (datetime.fromisoformat("2024-01-01 12:00:00"), datetime.fromisoformat("2024-01-01 12:00:00.500")),
    ),
    ("DATETIME", ("2024-01-01 14:00:00+02:00", "2024-01-01T12:00:00Z"), "timestamp with time zone", (NOON, NOON)),
    ("DATETIME", (1704110400,), "timestamp with time zone", (NOON,)),
    ("DATETIME", (1704110400000,), "timestamp with time zone", (NOON,)),
    ("DATETIME", (2460311.0, 2460311.5), "timestamp with time zone", (NOON, NOON + timedelta(hours=12))),
    ("DATETIME", (20240101, 20240102), "bigint", (20240101, 20240102)),
    (
        "DATETIME",
        ("2024-01-01 12:00:00.1234567", "2024-01-01 12:00:00"),
        "timestamp without time zone",
        (datetime.fromisoformat("2024-01-01 12:00:00.123457"), datetime.fromisoformat("2024-01-01 12:00:00")),
    ),
    ("TIMESTAMP WITH TIME ZONE", ("2024-01-01 12:00:00",), "timestamp with time zone", (NOON,)),
    ("DATE", ("2024-02-29 00:00:00", "2024-02-28"), "date", (date(2024, 2, 29), date(2024, 2, 28))),
    ("TIME", ("12:30", "12:30:00.5"), "time without time zone", (time(12, 30), time(12, 30, 0, 500_000))),
    ("INTERVAL", ("1 day", "PT1H"), "text", ("1 day", "PT1H")),
    ("DATE", ("03/04/2024", "none", "2024-02-29"), "text", ("03/04/2024", "none", "2024-02-29")),
    ("CHAR(16)", (b"\x80" * 16,), "bytea", (b"\x80" * 16,)),
    ("UUID", (b"\x01" * 16, str(UUID(int=1))), "uuid", (UUID(bytes=b"\x01" * 16), UUID(int=1))),
    ("JSON UNIQUE", ('{"a": 1}', '{"a":1}'), "text", ('{"a": 1}', '{"a":1}')),
    ("JSON", ('{"a": 1, "a": 2}', "[]"), "json", ({"a": 2}, [])),
    ("JSONB", ('{"b": 1.50, "a": [1e2]}',), "jsonb", ({"b": 1.5, "a": [100]},)),
    ("JSONB", ('{"a": 1, "a": 2}',), "json", ({"a": 2},)),
    ("JSON", ("{bad", ""), "text", ("{bad", "")),
    ("", (1, "x", 2.5, None), "text", ("1", "x", "2.5", None)),
    ("ANY", (b"\x01",), "bytea", (b"\x01",)),
    ("foo_bar", (1, 2), "bigint", (1, 2)),
    ("UNSIGNED BIG INT", (9223372036854775808.0, 1), "numeric", (Decimal(9223372036854775808), Decimal(1))),
    ("UUID", ("6F9619FF-8B86-D011-B42D-00CF4FC964FF",), "text", ("6F9619FF-8B86-D011-B42D-00CF4FC964FF",)),
]

REFUSED = [
    ("INTEGER", (1, "abc"), "whole number"),
    ("REAL", (1.5, "x"), "number"),
    ("NUMERIC", (1, "x"), "number"),
    ("BOOLEAN", (1, "maybe"), "boolean"),
    ("TEXT", ("good", "a\0b"), "NUL"),
    ("TEXT", ("good", b"\x00\x01"), "bytes that are no text"),
    ("BLOB", (b"\x01", 5), "no bytes"),
    ("DATE", ("2024-02-29", "2024-02-30"), "no date"),
    ("DATE", ("2024-02-29", "0000-00-00"), "no date"),
    ("DATE", ("2024-02-29", ""), "ISO 8601"),
    ("DATETIME", ("2024-01-01 00:00:00", "03/04/2024"), "ISO 8601"),
    ("DATETIME", ("2024-01-01 00:00:00", "now"), "ISO 8601"),
    ("DATETIME", ("2024-01-01 00:00:00", "infinity"), "ISO 8601"),
    ("DATETIME", ("2024-01-01 00:00:00", 20240101), "no known time"),
    ("DATETIME", ("2024-01-01 00:00:00", "2024-01-01 24:00:00"), "no timestamp"),
    ("DATE", ("2024-02-29", "٢٠٢٤-٠١-٠١"), "ISO 8601"),
    ("DATETIME", ("2024-01-01 00:00:00Z", "0001-01-01 00:00:00+05:00"), "no timestamptz"),
]


class TestGivenAColumn:
    @pytest.mark.parametrize(("declared", "values", "type_name", "expected"), EXACT)
    def test_when_its_values_have_a_type_then_they_arrive_exactly(self, column, declared, values, type_name, expected):
        journey, result = column(declared, *values)

        assert result.holds
        assert result.quarantined == 0
        assert journey.type_of("t", "v") == type_name
        assert [row[0] for row in journey.rows("SELECT v FROM t ORDER BY id")] == list(expected)

    @pytest.mark.parametrize(("declared", "values", "reason"), REFUSED)
    def test_when_a_value_has_no_place_then_its_row_is_in_quarantine_with_the_reason(
        self, column, declared, values, reason
    ):
        journey, result = column(declared, *values)

        assert [(one.table, one.key, one.column) for one in result.refused] == [("t", {"id": 2}, "v")]
        assert reason in result.refused[0].reason
        assert journey.rows("SELECT id FROM t") == [(1,)]
        assert journey.rows("SELECT key ->> 'id', column_name FROM quarterdeck.quarantine") == [("2", "v")]

    def test_when_a_time_is_finer_than_a_microsecond_then_the_rounding_is_told(self, column):
        _, result = column("DATETIME", "2024-01-01 12:00:00.1234567", "2024-01-01 12:00:00.123456")

        assert "1 values are finer than a microsecond" in " ".join(result.plan.tables[0].columns[1].choice.notes)

    def test_when_a_column_without_values_points_to_another_then_it_has_its_type(self, journey):
        journey.write(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES c, d REFERENCES c (k));"
            "CREATE TABLE c (k REAL UNIQUE, id INTEGER PRIMARY KEY);"
            "INSERT INTO a (id) VALUES (1); INSERT INTO c VALUES (1.5, 7)"
        )

        assert journey.go().holds
        assert [journey.type_of("a", name) for name in "bd"] == ["bigint", "double precision"]

    def test_when_texts_are_no_utf8_then_they_are_kept_byte_for_byte_aside(self, journey):
        journey.write(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
            "INSERT INTO t VALUES (1, 'ok'), (2, CAST(x'ff41' AS TEXT)), (3, 'é')"
        )

        result = journey.go()

        assert [one.key for one in result.refused] == [{"id": 2}]
        assert result.refused[0].row["v"] == {"bytes": "ff41"}
        assert journey.rows("SELECT v FROM t ORDER BY id") == [("ok",), ("é",)]


class TestGivenWhatOthersTripOver:
    """One file with many of them: each is exact, told or in quarantine, and none costs the rest."""

    @pytest.fixture
    def sent(self, journey):
        journey.write(
            """
            CREATE TABLE odd (id INTEGER PRIMARY KEY, n INTEGER DEFAULT '', half INTEGER DEFAULT 1.5,
              day DATE DEFAULT '0000-00-00', kind TEXT DEFAULT 5, paid BOOLEAN DEFAULT 1 CHECK (paid IN (0, 1)),
              big INT GENERATED ALWAYS AS (n > 1), pair TEXT GENERATED ALWAYS AS (kind || n),
              "É" INT, "é" TEXT, "100% of it" TEXT, CONSTRAINT twice CHECK (id > 0), CONSTRAINT twice CHECK (id < 99));
            INSERT INTO odd (id, n, half, day, "É", "é", "100% of it") VALUES (1, 2, 3, '2024-01-01', 7, 'x', '%s');
            CREATE INDEX odd_pkey ON odd (n); CREATE INDEX "100%" ON odd ("100% of it") WHERE paid = 1;
            CREATE TABLE folded (k TEXT COLLATE NOCASE PRIMARY KEY, r REFERENCES odd (nowhere)) WITHOUT ROWID;
            INSERT INTO folded VALUES ('A', NULL);
            CREATE TABLE wide (v TEXT); CREATE INDEX wide_v ON wide (v);
            CREATE TABLE last (id INTEGER PRIMARY KEY); INSERT INTO last VALUES (9223372036854775807);
            CREATE TABLE deep (j JSONB); CREATE TABLE empty (a TEXT PRIMARY KEY, b JSON, c INT)
            """,
            ("INSERT INTO wide VALUES (?)", ("".join(chr(33 + n * n * 7 % 9000) for n in range(9000)),)),
            ("INSERT INTO deep VALUES (?)", ("[" * 600 + "]" * 600,)),
        )
        return journey, journey.go()

    def test_then_every_row_arrives(self, sent):
        journey, result = sent

        assert [(one.table, one.target, one.quarantined) for one in result.proofs] == [
            ("deep", 1, 0), ("empty", 0, 0), ("folded", 1, 0), ("last", 1, 0), ("odd", 1, 0), ("wide", 1, 0),
        ]  # fmt: skip
        assert journey.rows('SELECT big, pair, "100% of it" FROM odd') == [(1, "52", "%s")]

    def test_then_what_could_not_be_made_is_told(self, sent):
        _, result = sent

        told = "\n".join((*result.by_hand, *(one.about for one in result.missing)))
        for part in ("default of odd.n:", "default of odd.half:", "default of odd.day:", "generated column odd.big",
                     "column folded.k", "foreign key of folded", "index wide_v"):  # fmt: skip
            assert part in told
        assert all(one.holds for one in result.proofs)

    def test_then_conditions_and_names_hold(self, sent):
        journey, _ = sent

        indexes = {name for (name,) in journey.rows("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
        assert {"odd_pkey", "100%"} < indexes
        assert journey.rows("SELECT count(*) FROM pg_index WHERE indrelid = 'odd'::regclass") == [(3,)]
        for statement in (
            "INSERT INTO folded VALUES ('a')",
            "INSERT INTO odd VALUES (-1)",
            "INSERT INTO odd VALUES (99)",
        ):
            with pytest.raises(psycopg.errors.IntegrityError):
                journey.rows(statement)
        assert journey.rows("INSERT INTO odd (n) VALUES (3) RETURNING id, kind, paid") == [(2, "5", True)]


class TestGivenNamesAndSizesThatOthersTripOver:
    """Names that the server keeps for itself or that our own statements use, names too long, tables very wide."""

    def test_then_every_table_arrives_and_an_increment_finds_nothing(self, journey):
        long, wide = "Ж" * 40, ", ".join(f"c{number} DEFAULT {number}" for number in range(250))
        journey.write(
            f"""
            CREATE TABLE p (ctid INTEGER PRIMARY KEY, xmin TEXT UNIQUE, after INT CHECK (after > 0), "%s" INT);
            CREATE TABLE "{long}" (id INTEGER PRIMARY KEY, "{long}" TEXT);
            CREATE TABLE "{long}2" (k TEXT PRIMARY KEY, t INT, k2 TEXT) WITHOUT ROWID;
            CREATE TABLE wide (id INTEGER PRIMARY KEY, {wide});
            INSERT INTO p VALUES (1, 'a', 2, 3), (2, 'b', 3, 4); INSERT INTO "{long}" VALUES (1, 'ж');
            INSERT INTO "{long}2" VALUES ('a', 1, 'b'); INSERT INTO wide (id) VALUES (1);
            """
        )

        result = journey.go()
        again = run_increment(Increment(journey.request()))

        assert result.holds
        assert [(one.target, one.quarantined) for one in result.proofs] == [(2, 0), (1, 0), (1, 0), (1, 0)]
        assert journey.rows("SELECT c0, c249 FROM wide") == [(0, 249)]
        assert again.holds
        assert not any(table.found.all for table in again.tables)


class TestGivenRules:
    @pytest.mark.parametrize(
        ("declared", "value", "rule", "expected"),
        [
            ("DATE", "0000-00-00", ColumnRule(reading=Reading(invalid_as_null=True)), None),
            ("TEXT", "a\0b", ColumnRule(reading=Reading(strip_nul=True)), "ab"),
            ("DATETIME", 86400, ColumnRule("timestamptz", Reading(epoch="s")), datetime(1970, 1, 2, tzinfo=UTC)),
            ("DATETIME", "2024-07-01 14:00:00", ColumnRule("timestamptz", Reading(zone="Europe/Berlin")),
             datetime(2024, 7, 1, 12, tzinfo=UTC)),
            ("INTEGER", "abc", ColumnRule("text"), "abc"),
        ],
    )  # fmt: skip
    def test_when_somebody_decided_then_it_is_done_so(self, column, declared, value, rule, expected):
        journey, result = column(declared, value, rules={("t", "v"): rule})

        assert result.quarantined == 0
        assert journey.rows("SELECT v FROM t") == [(expected,)]
