"""`migrate` on a real PostgreSQL: what stands, what would be, up, down, verify and repair, with exit codes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import psycopg
import pytest

from console.backups.catalogue import Catalogue
from console.backups.sources import Source
from console.backups.values import Backup
from console.cli.backups import take_source
from console.cli.main import main
from console.cli.migration_backup import back_up
from console.cli.session import Session
from console.playground.scene import dsn_for

NUMBERS = itertools.count(1)
ALL_RULES = ("truncate", "ban-truncate-cascade")


PRODUCTION = """
[providers.own]
kind = "postgres"
[services.database]
provider = "own"
[environments.production]
tier = "production"
[environments.production.services.database]
id = "shop"
database_url = "env:SHOP_DATABASE"
migrations = "db/migrations"
[environments.production.backups]
prove_on = "database"
directory = "backups"
"""


class Desk:
    def __init__(self, folder: Path, dsn: str, capsys) -> None:
        self.folder, self.dsn, self._capsys = folder, dsn, capsys
        self.out, self.err = "", ""

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / f"{name.lstrip('_').replace('__', '.')}.sql").write_text(text)

    def run(self, action: str, *options: str, place=("--database-url", "env:SHOP_DATABASE")) -> int:
        config = ("--config", str(self.folder / "config.toml"))
        code = main([*config, "migrate", action, *place, "--directory", str(self.folder), *options])
        self.out, self.err = self._capsys.readouterr()
        assert "secret-word" not in self.out + self.err
        return code

    def read(self, action: str, *options: str):
        self.run(action, "--format", "json", *options)
        return json.loads(self.out)

    def ask(self, query: str):
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def desk(postgres_dsn: str, tmp_path: Path, monkeypatch, capsys) -> Desk:
    name = f"migrating_{next(NUMBERS)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute(f"create database {name}")
    dsn = dsn_for(postgres_dsn, name)
    monkeypatch.setenv("SHOP_DATABASE", dsn)
    made = Desk(tmp_path, dsn, capsys)
    made.write(
        _1_items="create table items (id bigint primary key);",
        _1_items__down="drop table items;",
        _1_items__verify="select count(*) = 0 from items",
        _2_price="alter table items add price bigint;",
        _2_price__down="alter table items drop price;",
    )
    return made


class TestGivenFilesAndADatabase:
    def test_when_they_go_up_and_down_then_every_command_tells_it(self, desk):
        assert desk.run("status") == 0
        assert [row["state"] for row in desk.read("status")] == ["pending", "pending"]
        assert desk.run("plan") == 0
        assert "1_items.sql: 1 statement, one transaction" in desk.out

        assert desk.run("up", "--yes", "--backup-id", "b-7") == 0
        rows = desk.read("status")
        assert [(row["state"], row["verified"], row["backup"]) for row in rows] == [
            ("applied", "passed", "b-7"),
            ("applied", "", "b-7"),
        ]
        assert desk.run("up", "--yes") == 0
        assert "Nothing to apply." in desk.out
        assert desk.run("verify") == 0
        assert "✓ 1" in desk.out

        assert desk.run("down", "--to", "1", "--yes") == 0
        assert [row["state"] for row in desk.read("status")] == ["applied", "pending"]
        assert desk.run("down", "--version", "2", "--yes") == 2
        assert "2 is not applied" in desk.err

    def test_when_an_applied_file_is_edited_then_status_and_up_say_so_and_repair_ends_it(self, desk):
        desk.run("up", "--yes")
        desk.write(_2_price="alter table items add price numeric;", _3_more="create table more (id bigint);")

        assert desk.run("status") == 1
        assert "edited" in desk.out
        assert desk.run("up", "--yes") == 1
        assert "Changed after they were applied: 2_price.sql" in desk.err
        assert desk.run("repair", "--applied", "2", "--yes") == 0
        assert desk.run("up", "--yes") == 0
        assert desk.run("repair", "--reverted", "3", "--yes") == 0
        assert [row["state"] for row in desk.read("status")] == ["applied", "applied", "pending"]
        assert desk.ask("select to_regclass('more')::text") == [("more",)]

    def test_when_a_verify_script_says_no_later_then_verify_fails(self, desk):
        desk.run("up", "--yes")
        desk.ask("insert into items values (1)")

        assert desk.run("verify") == 1
        assert "✗ 1 statement 1 of 1 is false" in desk.out


class TestGivenADangerousFile:
    def test_when_it_blocks_then_up_is_refused_unless_the_rule_is_named(self, desk):
        desk.run("up", "--yes")
        desk.write(_3_index="create index items_price on items (price);", _3_index__down="drop index items_price;")

        assert desk.run("plan") == 4
        assert "SHARE: stops writes; index build" in desk.out
        assert desk.run("lint") == 1
        assert "3_index.sql:1: blocks" in desk.out
        assert desk.run("up", "--yes") == 4
        assert "--allow require-concurrent-index-creation" in desk.err
        assert desk.run("up", "--yes", "--allow", "require-concurrent-index-creation") == 0

    def test_when_it_takes_away_then_up_is_refused_without_leave(self, desk):
        desk.run("up", "--yes")
        desk.write(_3_less="alter table items drop column price;", _3_less__down="alter table items add price bigint;")

        assert desk.run("plan") == 4
        assert "An older release would fail by: 3_less.sql:1 (a column is dropped)" in desk.out
        assert desk.run("up", "--yes") == 1
        assert desk.run("up", "--yes", "--contract", "--serving", "v1") == 1
        assert "Still serving: v1" in desk.err
        assert desk.run("up", "--yes", "--contract") == 0


class TestGivenAWrongRequest:
    def test_when_the_address_leads_to_a_transaction_pooler_then_it_is_refused(self, desk, monkeypatch):
        monkeypatch.setenv("SHOP_DATABASE", "postgresql://me:secret-word@127.0.0.1:6543/shop")

        assert desk.run("status") == 1
        assert "pooler in transaction mode (port 6543)" in desk.err

    def test_when_one_of_several_hosts_is_a_transaction_pooler_then_it_is_refused(self, desk, monkeypatch):
        monkeypatch.setenv("SHOP_DATABASE", "postgresql://me:secret-word@127.0.0.1:5432,127.0.0.1:6543/shop")

        assert desk.run("status") == 1
        assert "pooler in transaction mode (port 6543)" in desk.err

    def test_when_the_role_may_not_see_the_history_then_it_is_not_taken_for_empty(self, desk, monkeypatch):
        desk.run("up", "--yes")
        desk.ask("drop role if exists blind; create role blind login password 'secret-word'")
        monkeypatch.setenv("SHOP_DATABASE", f"postgresql://blind:secret-word@{desk.dsn.partition('@')[2]}")

        assert desk.run("status") == 1
        assert "permission denied for schema supabase_migrations" in desk.err
        assert "Grant it to the role" in desk.err

    def test_when_no_database_is_named_then_lint_needs_none_and_status_does(self, desk, capsys):
        assert main(["migrate", "lint", "--directory", str(desk.folder)]) == 0
        assert main(["migrate", "status", "--directory", str(desk.folder)]) == 2
        assert main(["migrate", "status", "--directory", str(desk.folder / "none")]) == 2


class TestGivenNobodyElseShallWrite:
    def test_when_it_goes_up_read_only_then_what_stayed_is_proven_and_everybody_writes_again(self, desk):
        desk.ask("create table other (id int); insert into other values (1)")

        assert desk.run("up", "--yes", "--read-only", "--format", "json") == 0
        assert json.loads(desk.out) == {"applied": ["1", "2"], "unnamed": [], "differs": [], "invalid": []}
        assert "checksum of public.other" in desk.err
        assert "takes writes again" in desk.err
        desk.ask("insert into other values (2)")

    def test_when_a_file_empties_what_it_does_not_name_then_up_fails_and_says_so(self, desk):
        desk.ask("create table other (id int primary key); create table more (id int references other)")
        desk.ask("insert into other values (1); insert into more values (1)")
        desk.write(_3_empty="truncate other cascade;")

        assert desk.run("up", "--yes", "--read-only", "--contract", "--allow", *ALL_RULES) == 1
        assert "not touched, and not the same: public.more had 1 rows and has 0" in desk.out

    def test_when_an_index_is_invalid_then_repair_rebuilds_it(self, desk):
        desk.ask("create table other (id int); create index broken on other (id)")
        desk.ask("update pg_index set indisvalid = false where indexrelid = 'broken'::regclass")

        assert desk.run("up", "--yes") == 1
        assert "invalid index: public.broken" in desk.out
        assert desk.run("repair", "--reindex") == 0
        assert "✓ public.broken" in desk.out
        assert desk.run("repair", "--writable") == 0
        assert "No run left it read-only." in desk.out


class TestGivenABackupThatIsRequired:
    def test_when_customers_depend_on_it_then_a_proven_backup_of_before_is_there_and_on_record(self, desk):
        desk.ask("create table other (id int); insert into other values (1)")
        (desk.folder / "config.toml").write_text(PRODUCTION)

        assert desk.run("up", "--yes", "--read-only", place=("production",)) == 0
        (backup,) = Catalogue(desk.folder / "backups").find_all()
        assert backup.is_verified
        assert {name for name in backup.sums.tables if name.startswith("public.")} == {"public.other"}
        assert f"Backup {backup.id} is verified: " in desk.err
        assert {row["backup"] for row in desk.read("status")} == {backup.id}

        (desk.folder / "2_price.down.sql").unlink()
        assert desk.run("down", "--to", "1", "--yes") == 4
        assert "No down script: 2_price" in desk.err
        assert f"--restore-database, which restores {backup.id}" in desk.err

        name = psycopg.conninfo.conninfo_to_dict(desk.dsn)["dbname"]
        assert desk.run("down", "--to", "1", "--restore-database", "--confirm", name) == 0
        assert "it also takes back 1." in desk.err
        assert desk.ask("select count(*) from pg_tables where schemaname = 'public'") == [(1,)]

    def test_when_the_backup_is_corrupted_then_nothing_is_migrated_and_everybody_writes_again(self, desk, monkeypatch):
        desk.ask("create table other (id int); insert into other select generate_series(1, 1000)")
        (desk.folder / "config.toml").write_text(PRODUCTION)
        monkeypatch.setattr(back_up, "__kwdefaults__", {"take_one": take_and_harm})

        assert desk.run("up", "--yes", "--read-only", place=("production",)) == 1
        assert "The backup before the migration is damaged: The file data/" in desk.err
        assert [row["state"] for row in desk.read("status")] == ["pending", "pending"]
        desk.ask("insert into other values (2)")


class TestGivenFilesThatWereSquashed:
    def test_when_one_stands_for_all_then_repair_says_so_and_nothing_is_run(self, desk):
        desk.run("up", "--yes")
        for old in desk.folder.glob("1_*.sql"):
            old.unlink()
        desk.write(
            _2_price="create table items (id bigint primary key, price bigint);", _2_price__down="drop table items;"
        )

        assert [row["state"] for row in desk.read("status")] == ["no file", "edited"]
        assert desk.run("up", "--yes") == 0
        assert "Nothing to apply" in desk.out
        assert desk.run("repair", "--reverted", "1", "--yes") == 1
        assert desk.run("repair", "--applied", "2", "--yes") == 0
        assert [row["state"] for row in desk.read("status")] == ["applied"]
        assert desk.ask("select price from items") == []


def take_and_harm(session: Session, source: Source, note: str) -> Backup:
    backup = take_source(session, source, note)
    file = next((backup.path / "data").glob("*.dat.gz"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return backup
