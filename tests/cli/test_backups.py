"""`backup` on a real PostgreSQL: taken, listed, verified, harmed, drilled, pruned, and due."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from console.backups.catalogue import Catalogue
from console.cli.main import main
from console.playground.scene import dsn_for

CONFIG = """
[providers.supabase]
kind = "supabase"
token = "env:SHOP_DATABASE"
[services.database]
provider = "supabase"
[environments.production]
[environments.production.services.database]
id = "abcdefghijklmnopqrst"
database_url = "env:SHOP_DATABASE"
[environments.production.backups]
every = "1d"
prove_on = "database"
keep_last = 1
keep_daily = 0
keep_weekly = 0
keep_monthly = 0
"""


class Desk:
    def __init__(self, home: Path, dsn: str, capsys) -> None:
        self.home = home
        self.dsn = dsn
        self._capsys = capsys
        self.out, self.err = "", ""

    def run(self, *words: str) -> int:
        code = main(["--home", str(self.home), "backup", *words])
        self.out, self.err = self._capsys.readouterr()
        return code

    def read(self, *words: str):
        self.run(*words, "--format", "json")
        return json.loads(self.out)


@pytest.fixture
def desk(postgres_dsn: str, tmp_path: Path, monkeypatch, capsys) -> Desk:
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("drop database if exists backup_desk with (force)")
        server.execute("create database backup_desk")
    dsn = dsn_for(postgres_dsn, "backup_desk")
    with psycopg.connect(dsn) as connection:
        connection.execute("create table items as select n as id, 'item ' || n as words from generate_series(1, 100) n")
    monkeypatch.setenv("SHOP_DATABASE", dsn)
    (tmp_path / "config.toml").write_text(CONFIG)
    return Desk(tmp_path, dsn, capsys)


class TestGivenAnEnvironmentWithADatabase:
    def test_when_it_is_backed_up_then_every_command_tells_it(self, desk):
        assert desk.run("take", "production", "--note", "by hand") == 0
        assert "is verified: restored in" in desk.out
        assert "Roles, their passwords" in desk.err
        (first,) = desk.read("list")["backups"]
        assert (first["name"], first["state"], first["rows"]) == ("production/database", "verified", 100)
        (standing,) = desk.read("list", "production")["standings"]
        assert standing["rpo_s"] < 60
        assert standing["rto_s"] > 0

        assert desk.run("run") == 0
        assert "Nothing is due." in desk.out
        next((Path(first["folder"]) / "data").glob("*.gz")).unlink()
        assert desk.run("verify", first["id"][:12]) == 1
        assert "is missing." in desk.out
        assert desk.run("drill", "production") == 1

        (due,) = desk.read("run", "production")
        assert due["state"] == "verified"
        assert due["removed"] == [first["id"]]
        assert desk.run("list") == 0
        assert "RPO" in desk.out

    def test_when_several_are_there_then_prune_keeps_what_the_configuration_says(self, desk):
        for _ in range(2):
            assert desk.run("take", "production", "--no-verify") == 0
        assert "not verified" in desk.out

        assert desk.run("prune", "--dry-run") == 0
        assert len(desk.read("list")["backups"]) == 2
        assert desk.run("prune", "--yes") == 0
        (left,) = desk.read("list")["backups"]
        assert datetime.fromisoformat(left["at"]) <= datetime.now(UTC)

    def test_when_a_sqlite_file_is_backed_up_then_it_comes_back_elsewhere(self, desk):
        with closing(sqlite3.connect(desk.home / "app.db")) as lite, lite:
            lite.execute("create table t as select 1 as id")

        assert desk.run("take", "production", "--sqlite", str(desk.home / "app.db")) == 0
        assert desk.run("restore", "app.db", "--to", str(desk.home / "back.db")) == 0
        assert (desk.home / "back.db").exists()
        assert desk.run("restore", "app.db") == 2

    def test_when_one_is_restored_by_its_address_then_it_takes_the_databases_name(self, desk):
        by_address = ("restore", "production/database", "--database-url", "env:SHOP_DATABASE")
        assert desk.run("take", "production") == 0
        with psycopg.connect(desk.dsn) as connection:
            connection.execute("delete from items")

        assert desk.run(*by_address, "--confirm", "staging") == 4
        assert "not its name" in desk.err
        assert desk.run(*by_address, "--confirm", "backup_desk") == 0
        with psycopg.connect(desk.dsn) as connection:
            assert connection.execute("select count(*) from items").fetchone() == (100,)
        assert [one["note"][:6] for one in desk.read("list")["backups"]] == ["before", ""]

    def test_when_the_words_are_wrong_then_nothing_is_done(self, desk):
        assert desk.run("take") == 2
        assert desk.run("take", "nowhere") == 2
        assert desk.run("take", "production", "--service", "other") == 2
        assert desk.run("verify", "2020") == 2
        assert desk.run("take", "--database-url", "postgresql://in:the@open/db") == 2
        assert "the@open" not in desk.err
        assert Catalogue(desk.home / "backups").find_all() == []
