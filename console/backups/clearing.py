"""Clear a database of everything that a backup brings back, within the transaction that is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg import sql

from console.backups.definitions import NOT_OF
from console.backups.sums import prepare

if TYPE_CHECKING:
    from console.backups.address import Connection

_SCHEMAS = """
select nspname from pg_namespace n
where nspname <> 'information_schema' and nspname !~ '^pg_' and nspname <> all(%(left_out)s)
and not exists (
    select from pg_depend e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid and e.deptype = 'e')
order by 1
"""
_PUBLIC = """
create schema if not exists public authorization pg_database_owner;
grant usage on schema public to public;
comment on schema public is 'standard public schema';
"""
_FIRST = {
    "publication": "select pubname from pg_publication",
    "event trigger": """select evtname from pg_event_trigger t where not exists (select from pg_depend e
        where e.classid = 'pg_event_trigger'::regclass and e.objid = t.oid and e.deptype = 'e')""",
}
_LAST = {
    "server": "select srvname from pg_foreign_server s where " + NOT_OF.format("pg_foreign_server", "s.oid"),
    "foreign data wrapper": "select fdwname from pg_foreign_data_wrapper w where "
    + NOT_OF.format("pg_foreign_data_wrapper", "w.oid"),
}
_MAPPINGS = "select usename, srvname from pg_user_mappings"
_DEFAULTS = """
select d.defaclrole::regrole::text, d.defaclobjtype::text, g.is_default,
    case g.grantee when 0 then 'public' else g.grantee::regrole::text end, g.privilege_type
from pg_default_acl d, lateral (
    select false, * from aclexplode(d.defaclacl)
    union all
    select true, * from aclexplode(
        acldefault((case d.defaclobjtype when 'S' then 's' else d.defaclobjtype end)::"char", d.defaclrole))
) g (is_default, grantor, grantee, privilege_type, is_grantable)
where d.defaclnamespace = 0
order by 1, 2, 3
"""
_KINDS = {"r": "tables", "S": "sequences", "f": "functions", "T": "types", "n": "schemas", "L": "large objects"}


def clear(connection: Connection, left_out: Sequence[str], *, with_rights: bool) -> None:
    """Drop all but some schemas, waiting for nobody's lock longer than 5 seconds.

    Args:
        with_rights: Grants are brought back as well, which were written down as what differs from PostgreSQL's own
            defaults: so these must hold meanwhile.
    """
    prepare(connection)
    _drop(connection, _FIRST)
    schemas = [row[0] for row in connection.execute(_SCHEMAS, {"left_out": list(left_out)})]
    for schema in schemas:
        connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
    for role, server in connection.execute(_MAPPINGS).fetchall():
        user = sql.SQL("public") if role == "public" else sql.Identifier(role)
        connection.execute(sql.SQL("drop user mapping for {} server {}").format(user, sql.Identifier(server)))
    _drop(connection, _LAST)
    connection.execute("select lo_unlink(oid) from pg_largeobject_metadata")
    if with_rights:
        _reset_defaults(connection)
    if "public" in schemas:
        connection.execute(_PUBLIC.encode())


def _drop(connection: Connection, kinds: dict[str, str]) -> None:
    for kind, query in kinds.items():
        for (name,) in connection.execute(query.encode()).fetchall():
            connection.execute(sql.SQL(f"drop {kind} {{}}").format(sql.Identifier(name)))


def _reset_defaults(connection: Connection) -> None:
    """Let new objects belong to their owners alone, but for what PostgreSQL gives everybody."""
    for role, kind, is_default, grantee, privilege in connection.execute(_DEFAULTS).fetchall():
        act = f"grant {privilege} on {_KINDS[kind]} to" if is_default else f"revoke all on {_KINDS[kind]} from"
        connection.execute(f"alter default privileges for role {role} {act} {grantee}".encode())
