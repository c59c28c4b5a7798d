"""Fill a database with what a Supabase project of the product looks like at its first release.

Roles and schemas are named as on Supabase; the migrations of the release are applied and recorded in
`supabase_migrations.schema_migrations`. From then on `playground.migration_changes` counts what is recorded and
taken back there, in the same transaction as the change itself.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from console.playground.releases import Release

_ROLES = ("anon", "authenticated", "service_role")
_SCHEMAS = ("auth", "storage", "extensions", "supabase_migrations", "playground")
_HISTORY = """
create table if not exists supabase_migrations.schema_migrations (
  version text primary key,
  statements text[],
  name text
);
"""
_COUNTER = """
create table playground.migration_changes (
  applied integer not null default 0,
  reverted integer not null default 0
);
insert into playground.migration_changes default values;
create function playground.count_migration() returns trigger language plpgsql security definer as $$
begin
  if tg_op = 'INSERT' then
    update playground.migration_changes set applied = applied + 1;
  else
    update playground.migration_changes set reverted = reverted + 1;
  end if;
  return null;
end $$;
create trigger count_migration after insert or delete on supabase_migrations.schema_migrations
  for each row execute function playground.count_migration();
grant usage on schema public to anon, authenticated, service_role;
grant select on all tables in schema public to anon, authenticated, service_role;
"""


@dataclass(frozen=True)
class MigrationChanges:
    """How many migrations were recorded as applied, and taken back, since the seed."""

    applied: int
    reverted: int


def create_database(server_dsn: str, name: str) -> None:
    """Create an empty database and, once a server, the roles."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        for role in _ROLES:
            known = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
            if known is None:
                connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def seed_database(dsn: str, release: Release) -> None:
    """Give an empty database the schemas, and the tables and history of a release, in one transaction."""
    with psycopg.connect(dsn) as connection:
        for schema in _SCHEMAS:
            connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(schema)))
        connection.execute(_HISTORY)
        for filename, text in sorted(release.migrations.items()):
            if filename.endswith(".down.sql"):
                continue
            version, _, name = filename.removesuffix(".sql").partition("_")
            connection.execute(text.encode())
            connection.execute(
                "insert into supabase_migrations.schema_migrations (version, statements, name) values (%s, %s, %s)",
                (version, [text], name),
            )
        connection.execute(_COUNTER)


async def count_changes(dsn: str) -> MigrationChanges:
    """Read the counter of one database.

    Raises:
        psycopg.Error: The database does not answer.
    """
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=3) as connection:
        cursor = await connection.execute("select applied, reverted from playground.migration_changes")
        row = await cursor.fetchone()
    return MigrationChanges(*row) if row else MigrationChanges(0, 0)
