"""References in a real PostgreSQL: found, rewritten once, and taken back byte for byte."""

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from console.domain.errors import Refused, UsageError
from console.transfer.files.progress import Stopped
from console.transfer.files.run import Act, ReferBy
from tests.providers.subjects.supabase import REF

TABLES = """
CREATE TABLE pictures (
  id int PRIMARY KEY, picture text, page varchar(300), extra jsonb, raw json, name text UNIQUE, short varchar(30));
CREATE TABLE loose (picture text);
CREATE TABLE lists (id int PRIMARY KEY, pictures text[], fixed char(200), twin text UNIQUE, n int DEFAULT 0);
CREATE FUNCTION count_up() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n = NEW.n + 1; RETURN NEW; END';
CREATE TRIGGER elsewhere BEFORE UPDATE OF n ON lists FOR EACH ROW EXECUTE FUNCTION count_up();
INSERT INTO lists VALUES
  (1, '[2:4]={/uploads/a.png,NULL,"x,\\"y"}', '/uploads/a.png', 'uploads/a.png'), (2, '{}', 'a.png', '/uploads/a.png');
CREATE TABLE watched (id int PRIMARY KEY, picture text, at int DEFAULT 0);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at = NEW.at + 1; RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO pictures VALUES
  (1, '/uploads/a.png', '<img src="/uploads/a.png"> <a href=''/uploads/b c.png?x=1''>', '{"p": "/uploads/a.png"}',
    '{ "p":   "\\/uploads\\/a.png" }', 'a.png', '/uploads/a.png'),
  (2, 'uploads/b c.png', 'nothing here', '{"list": ["uploads/a.png", 1.10]}', '[]', 'other', NULL),
  (3, '/uploads/gone.png', NULL, NULL, NULL, NULL, NULL);
INSERT INTO loose VALUES ('/uploads/a.png');
INSERT INTO watched VALUES (1, '/uploads/a.png');
"""
BASE = f"http://supabase/{REF}/storage/v1/object/public/media/"
COLUMNS = ("pictures.picture", "pictures.page", "pictures.extra", "pictures.raw")


@pytest.fixture(scope="module")
def dsn(postgres_dsn):
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("CREATE DATABASE file_references")
    return make_conninfo(postgres_dsn, dbname="file_references")


@pytest.fixture
def database(dsn):
    with psycopg.connect(dsn, autocommit=True) as target:
        target.execute("DROP SCHEMA IF EXISTS quarterdeck CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        target.execute(TABLES)
        yield target


@pytest.fixture
def shipping(shipping, database, dsn):
    shipping.write("a.png", b"\x89PNG\r\n\x1a\n1")
    shipping.write("b c.png", b"\x89PNG\r\n\x1a\n2")
    shipping.write("never named.txt", "words")
    shipping.extra = {"database": dsn, "place": "supabase/ref/media/"}
    return shipping


def rows(database, table="pictures"):
    return database.execute(f"SELECT t::text FROM {table} t ORDER BY 1").fetchall()


class TestGivenADatabaseThatNamesFiles:
    def test_when_references_are_looked_for_then_columns_are_found_by_what_they_hold(self, shipping, database):
        shipping.go()
        before = rows(database)

        result = shipping.go(act=Act.FIND_REFERENCES, **shipping.extra)

        found = {one.column.words: (one.whole, one.within) for one in result.references.findings}
        assert found == {
            "pictures.picture": (2, 0),
            "pictures.page": (0, 1),
            "pictures.extra": (0, 2),
            "pictures.raw": (0, 1),
            "pictures.name": (1, 0),
            "pictures.short": (1, 0),
            "loose.picture": (1, 0),
            "lists.pictures": (0, 1),
            "lists.fixed": (2, 0),
            "lists.twin": (2, 0),
            "watched.picture": (1, 0),
        }
        assert [(one.column, one.reference) for one in result.references.dangling] == [
            ("pictures.picture", "/uploads/gone.png")
        ]
        assert result.orphans == ("never named.txt",)
        assert rows(database) == before

    def test_when_they_are_rewritten_then_they_lead_to_the_bucket_and_revert_restores_every_byte(
        self, shipping, database
    ):
        before = rows(database)

        result = shipping.go(rewrite=COLUMNS, **shipping.extra)
        again = shipping.go(rewrite=COLUMNS, **shipping.extra)

        picture, page, extra, raw = database.execute(
            "SELECT picture, page, extra->>'p', raw->>'p' FROM pictures WHERE id = 1"
        ).fetchone()
        assert {one.column: one.rows for one in result.references.changed} == dict(
            zip(COLUMNS, (2, 1, 2, 1), strict=True)
        )
        assert [one.rows for one in again.references.changed] == [0, 0, 0, 0]
        assert picture == extra == raw == f"{BASE}a.png"
        assert page == f"<img src=\"{BASE}a.png\"> <a href='{BASE}b%20c.png?x=1'>"

        back = shipping.go(act=Act.REVERT, **shipping.extra)

        assert rows(database) == before
        assert back.holds
        assert shipping.go(act=Act.REVERT, **shipping.extra).references.changed == ()

    def test_when_values_are_arrays_or_of_a_fixed_length_then_they_come_back_byte_for_byte(self, shipping, database):
        before = rows(database, "lists")

        shipping.go(rewrite=("lists.pictures", "lists.fixed"), **shipping.extra)

        assert database.execute("SELECT pictures[2:], rtrim(fixed) FROM lists WHERE id = 1").fetchone() == (
            [f"{BASE}a.png", None, 'x,"y'],
            f"{BASE}a.png",
        )
        assert shipping.go(act=Act.REVERT, **shipping.extra).holds
        assert rows(database, "lists") == before

    def test_when_a_file_stayed_behind_then_its_references_are_told_apart_from_those_to_nothing(self, shipping):
        (shipping.folder / "gone.png").symlink_to("a.png")

        result = shipping.go(act=Act.FIND_REFERENCES, **shipping.extra)

        assert not result.references.dangling
        assert sum(one.unready for one in result.references.findings if one.column.name == "picture") == 5

    def test_when_the_folder_is_gone_then_references_still_come_back(self, shipping, database):
        before = rows(database)
        shipping.go(rewrite=("pictures.picture",), **shipping.extra)

        back = shipping.go(act=Act.REVERT, folder=shipping.place / "gone", **shipping.extra)

        assert back.holds
        assert rows(database) == before

    def test_when_somebody_stops_it_while_it_rewrites_then_nothing_changes(self, shipping, database):
        before = rows(database)
        told = []

        with pytest.raises(Stopped):
            shipping.go(
                rewrite=COLUMNS,
                told=told.append,
                stopped=lambda: any(one.phase == "rewrite" for one in told),
                **shipping.extra,
            )

        assert rows(database) == before

    def test_when_a_value_changed_since_then_going_back_leaves_it(self, shipping, database):
        shipping.go(rewrite=("pictures.picture",), refer_by=ReferBy.KEY, **shipping.extra)
        database.execute("UPDATE pictures SET picture = 'mine' WHERE id = 1")

        result = shipping.go(act=Act.REVERT, **shipping.extra)

        assert [(one.rows, one.kept) for one in result.references.changed] == [(1, 1)]
        assert not result.holds
        assert database.execute("SELECT picture FROM pictures WHERE id < 3 ORDER BY id").fetchall() == [
            ("mine",),
            ("uploads/b c.png",),
        ]

    def test_when_a_file_is_not_verified_then_no_reference_changes(self, shipping, database):
        shipping.add_bucket("media")
        shipping.write("b c.png", b"\x89PNG\r\n\x1a\n theirs")
        shipping.go(work=shipping.place / "other")
        shipping.write("b c.png", b"\x89PNG\r\n\x1a\n2")
        before = rows(database)

        with pytest.raises(Refused, match="no reference was rewritten"):
            shipping.go(rewrite=COLUMNS, **shipping.extra)

        assert rows(database) == before

    @pytest.mark.parametrize(
        ("column", "words"),
        [
            ("loose.picture", "no key"),
            ("watched.picture", "touch would run"),
            ("pictures.short", r"pictures\.short does not take .* too long"),
            ("lists.twin", r"lists\.twin does not take .* duplicate key"),
        ],
    )
    def test_when_a_column_could_not_be_taken_back_then_nothing_at_all_changes(self, shipping, database, column, words):
        before = rows(database), rows(database, "loose"), rows(database, "watched")

        with pytest.raises(Refused, match=words):
            shipping.go(rewrite=("pictures.picture", column), **shipping.extra)

        assert (rows(database), rows(database, "loose"), rows(database, "watched")) == before

    def test_when_a_column_is_unknown_then_it_is_wrong_usage(self, shipping):
        with pytest.raises(UsageError, match=r"pictures\.none"):
            shipping.go(rewrite=("pictures.none",), **shipping.extra)
