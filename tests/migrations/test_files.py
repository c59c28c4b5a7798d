"""Reading a directory of migration files."""

import pytest

from console.domain.errors import UsageError
from console.migrations.files import better_name, name_of, read_migrations, read_text, taken_for_migrations
from providers.contract import MigrationFile

FILES = {
    "20260102000000_add_price.sql": "alter table t add price int;",
    "20260101000000_create_t.sql": "create table t ();",
    "20260102000000_add_price.down.sql": "alter table t drop price;",
    "20260102000000_add_price.verify.sql": "select price from t;",
    "README.md": "words",
    "seed.sql": "insert into t default values;",
}


class TestGivenADirectoryOfMigrations:
    def test_when_it_is_read_then_the_oldest_comes_first_with_its_down_script(self):
        assert read_migrations(FILES) == (
            MigrationFile("20260101000000", "create_t", "create table t ();"),
            MigrationFile(
                "20260102000000",
                "add_price",
                "alter table t add price int;",
                "alter table t drop price;",
                "select price from t;",
            ),
        )

    def test_when_it_is_empty_then_there_is_nothing(self):
        assert read_migrations({}) == ()

    def test_when_two_files_share_a_version_then_both_are_named(self):
        with pytest.raises(UsageError, match=r"1_a\.sql and 1_b\.sql"):
            read_migrations({"1_a.sql": "", "1_b.sql": ""})

    def test_when_a_down_script_has_no_migration_then_it_is_named(self):
        with pytest.raises(UsageError, match=r"2_b\.down\.sql"):
            read_migrations({"1_a.sql": "", "2_b.down.sql": ""})

    def test_when_scripts_are_named_so_that_the_supabase_cli_passes_them_over_then_they_are_the_same(self):
        theirs = [name for name in FILES if name.count(".") > 1]
        ours = {better_name(name) if name in theirs else name: text for name, text in FILES.items()}

        assert taken_for_migrations(FILES) == theirs
        assert taken_for_migrations(ours) == []
        assert "down_20260102000000_add_price.sql" in ours
        assert read_migrations(ours) == read_migrations(FILES)

    def test_when_stamps_have_different_lengths_then_their_numbers_count(self):
        assert [file.version for file in read_migrations({"10_b.sql": "", "9_a.sql": ""})] == ["9", "10"]

    def test_when_a_file_begins_with_a_byte_order_mark_then_that_is_no_part_of_it(self):
        assert read_migrations({"1_a.sql": read_text("1_a.sql", b"\xef\xbb\xbfselect 1")})[0].sql == "select 1"

    def test_when_a_file_is_not_in_utf8_then_its_line_is_named(self):
        with pytest.raises(UsageError, match=r"1_a\.sql is no text in UTF-8: byte 0xe9 in line 2"):
            read_text("1_a.sql", b"select 1;\nselect '\xe9'")

    def test_when_a_file_is_spoken_of_then_by_its_name(self):
        assert name_of(MigrationFile("1", "a.b", "")) == "1_a.b.sql"
