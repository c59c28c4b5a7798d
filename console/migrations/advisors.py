"""Advice about a whole database, read from its catalogue: what is open to strangers, slow by design, or broken.

Each question yields the objects concerned, by name. What Supabase itself keeps in a database is not judged; questions
about its role `anon` find nothing where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.migrations.findings import Severity

if TYPE_CHECKING:
    from providers.database import Connection

_ABOUT = """
with t as (
  select c.oid, c.relkind, c.relrowsecurity, c.reloptions::text as options, n.nspname = 'public' as exposed,
    format('%I.%I', n.nspname, c.relname) as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'supabase_migrations', 'quarterdeck',
    'auth', 'storage', 'realtime', 'vault', 'extensions', 'graphql', 'graphql_public', 'net', 'cron')
    and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'e')
), anon as (select oid as role from pg_roles where rolname = 'anon')
"""
_RLS_OFF = """
select name from t, anon where relkind in ('r', 'p') and exposed and not relrowsecurity
and has_table_privilege(role, t.oid, 'select, insert, update, delete')
"""
_OWNERS_VIEW = """
select name from t, anon where relkind = 'v' and exposed and has_table_privilege(role, t.oid, 'select')
and not coalesce(options ~* 'security_invoker=(true|on|1)', false)
"""
_ANON_EMPTIES = "select name from t, anon where relkind in ('r', 'p') and has_table_privilege(role, t.oid, 'truncate')"
_DEFINER = """
select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prosecdef and n.nspname not like 'pg\\_%'
and n.nspname not in ('information_schema', 'auth', 'storage', 'realtime', 'vault', 'extensions', 'graphql', 'net')
and not exists (select 1 from unnest(p.proconfig) as setting where setting like 'search\\_path=%')
and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')
"""
_ALWAYS_TRUE = """
select name || ' ' || p.polname from pg_policy p join t on t.oid = p.polrelid where p.polpermissive and p.polcmd <> 'r'
and 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
"""
_FOREIGN_KEY = """
select name || ' ' || k.conname from pg_constraint k join t on t.oid = k.conrelid where k.contype = 'f'
and not exists (select 1 from pg_index i where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
  and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
"""
_DUPLICATE = """
select name || ' ' || string_agg(x.relname, ' = ' order by x.relname)
from pg_index i join pg_class x on x.oid = i.indexrelid join t on t.oid = i.indrelid
group by name, i.indrelid, x.relam, i.indkey::text, i.indclass::text, i.indcollation::text, i.indoption::text,
  i.indisunique, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
having count(*) > 1
"""
_NO_KEY = """
select name from t where relkind in ('r', 'p')
and not exists (select 1 from pg_index i where i.indrelid = t.oid and i.indisprimary)
"""
_INVALID_INDEX = """
select i.indexrelid::regclass::text from pg_index i join pg_class x on x.oid = i.indexrelid
where not i.indisvalid and x.relkind = 'i'
and not exists (select 1 from pg_stat_progress_create_index g where g.index_relid = i.indexrelid)
"""
_NOT_VALIDATED = """
select name || ' ' || k.conname from pg_constraint k join t on t.oid = k.conrelid where not k.convalidated
"""


@dataclass(frozen=True)
class Advice:
    rule: str
    severity: Severity
    object: str
    what: str
    remedy: str


@dataclass(frozen=True)
class _Question:
    rule: str
    severity: Severity
    query: str
    what: str
    remedy: str


_QUESTIONS = (
    _Question(
        "rls-off",
        Severity.BLOCKS,
        _RLS_OFF,
        "whoever has the public key reads or writes every row",
        "alter table … enable row level security, with policies.",
    ),
    _Question(
        "view-of-owner",
        Severity.BLOCKS,
        _OWNERS_VIEW,
        "it reads with its owner's rights, past every policy",
        "alter view … set (security_invoker = on).",
    ),
    _Question(
        "anon-empties",
        Severity.WARNS,
        _ANON_EMPTIES,
        "anon may empty it: TRUNCATE asks no policy",
        "revoke truncate on … from anon.",
    ),
    _Question(
        "definer-search-path",
        Severity.BLOCKS,
        _DEFINER,
        "it runs with its owner's rights and calls what its caller plants",
        "alter function … set search_path = ''.",
    ),
    _Question(
        "policy-always-true", Severity.WARNS, _ALWAYS_TRUE, "it lets everybody write every row", "Name whose rows."
    ),
    _Question(
        "foreign-key-without-index",
        Severity.WARNS,
        _FOREIGN_KEY,
        "each deletion of a referenced row reads this whole table",
        "create index concurrently … on its columns.",
    ),
    _Question(
        "duplicate-index", Severity.WARNS, _DUPLICATE, "each write pays twice", "drop index concurrently one of them."
    ),
    _Question(
        "no-primary-key",
        Severity.WARNS,
        _NO_KEY,
        "rows cannot be told apart: no replication, no comparison",
        "Add one.",
    ),
    _Question(
        "invalid-index",
        Severity.BLOCKS,
        _INVALID_INDEX,
        "it serves no query, and each write pays for it",
        "reindex index concurrently …, or drop it.",
    ),
    _Question(
        "constraint-not-validated",
        Severity.WARNS,
        _NOT_VALIDATED,
        "rows from before it may break it",
        "alter table … validate constraint ….",
    ),
)


async def advise(connection: Connection) -> Sequence[Advice]:
    """Ask every question; worst first. Reads the catalogue only."""
    found: list[Advice] = []
    for one in _QUESTIONS:
        rows = await (await connection.execute((_ABOUT + one.query).encode())).fetchall()
        found += [Advice(one.rule, one.severity, str(name), one.what, one.remedy) for (name,) in rows]
    order = list(Severity)
    return sorted(found, key=lambda one: (order.index(one.severity), one.rule, one.object))
