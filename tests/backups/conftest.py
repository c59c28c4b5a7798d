"""A shop's database with a bit of everything, copied for each test, and a folder for its backups."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from console.backups.address import Address
from console.backups.catalogue import Catalogue
from console.backups.prove import ProveRequest, prove
from console.backups.take import TakeRequest, take
from console.backups.values import Backup, Proof

NUMBERS = itertools.count(1)
SHOP = """
create schema supabase_migrations;
create table supabase_migrations.schema_migrations (version text primary key);
insert into supabase_migrations.schema_migrations values ('20260101000000'), ('20260201000000');
create type mood as enum ('good', 'bad');
create type pair as (a int, b text);
create domain cents as int not null check (value >= 0);
create table users (id bigint generated always as identity primary key, email text not null unique, mood mood,
    status varchar(20) default 'new' check (status in ('new', 'paid', 'gone')), born date, weight numeric(8,3),
    shape point, papers json, about jsonb, tags text[], photo bytea, ratio float8, at timestamptz, key uuid, ok bool);
insert into users (email, mood, status, weight, shape, papers, about, tags, photo, ratio, at, key, ok)
select 'u' || n || '@example.com', 'good', 'paid', n, point(n, n), '{"a":1}', '{"b":2}', array['x', n::text],
    '\\xdead', n / 3.0, '2026-01-01Z'::timestamptz + n * interval '1 hour', md5(n::text)::uuid, n % 2 = 0
from generate_series(1, 200) n;
create table orders (id serial primary key, user_id bigint references users, cents int, note text,
    paid cents default 0, both_of pair);
insert into orders (user_id, cents, note) select 1 + n % 200, n, case when n % 3 = 0 then 'n' || n end
from generate_series(1, 500) n;
create index big on orders (cents) where cents > 100 and note in ('a', 'b');
create view totals as select user_id, sum(cents) as cents from orders group by user_id;
create function twice(n int) returns int language sql as 'select n * 2';
create table empty ();
create table parts (day date, n int) partition by range (day);
create table parts_1 partition of parts for values from ('2026-01-01') to ('2027-01-01');
insert into parts values ('2026-05-05', 5);
alter table orders enable row level security;
create policy own on orders using (user_id = 1);
select lo_from_bytea(0, 'large');
"""


@dataclass
class Shop:
    """One database, and its backups."""

    dsn: str
    root: Path

    @property
    def address(self) -> Address:
        return Address("production/api", self.dsn)

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.root)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []

    def take(self, **more: Any) -> Backup:
        return take(TakeRequest(self.address, self.root, **more))

    def prove(self, backup: Backup, **more: Any) -> Proof:
        return prove(backup, ProveRequest(self.address, **more))

    def read(self, backup: Backup) -> Backup:
        return self.catalogue.find(backup.id)

    def forbid_writing(self) -> None:
        """Let new sessions be read-only unless they say otherwise, as in maintenance."""
        name = psycopg.conninfo.conninfo_to_dict(self.dsn)["dbname"]
        self.ask(f"alter database {name} set default_transaction_read_only = on")

    def scratches(self) -> list[tuple[Any, ...]]:
        return self.ask("select datname from pg_database where datname like 'quarterdeck%'")


@pytest.fixture(scope="session")
def shop_template(postgres_dsn: str) -> str:
    """A database that is copied; nobody may be connected to it."""
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("create database backups_template")
    with psycopg.connect(make_conninfo(postgres_dsn, dbname="backups_template")) as template:
        template.execute(SHOP.encode())
    return "backups_template"


@pytest.fixture(scope="session")
def still_shop(postgres_dsn: str, shop_template: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Backup]:
    """A database that no test changes, and one backup of it; taken once, since taking takes its time."""
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute(f"create database backups_still template {shop_template}".encode())
    made = Shop(make_conninfo(postgres_dsn, dbname="backups_still"), tmp_path_factory.mktemp("still") / "backups")
    return made, made.take()


@pytest.fixture
def still(still_shop: tuple[Shop, Backup], tmp_path: Path) -> Shop:
    """The database that no test changes, with a folder of its own for backups."""
    return Shop(still_shop[0].dsn, tmp_path / "backups")


@pytest.fixture
def backup(still: Shop, still_shop: tuple[Shop, Backup]) -> Backup:
    """A backup of what every shop holds at first, in this test's own folder."""
    shutil.copytree(still_shop[0].root, still.root)
    return still.read(still_shop[1])


@pytest.fixture
def shop(postgres_dsn: str, shop_template: str, tmp_path: Path) -> Iterator[Shop]:
    name = f"backups_{next(NUMBERS)}"
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute(f"create database {name} template {shop_template}".encode())
    yield Shop(make_conninfo(postgres_dsn, dbname=name), tmp_path / "backups")
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute(f"drop database {name} with (force)".encode())
