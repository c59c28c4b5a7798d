"""Every definition of a database, who owns what, who may do what, and what is said of it: a digest of each, by name.

Names begin with the kind. What lies in a schema has the schema right after it: `owner public.orders`. The kinds of
`SINCE_RIGHTS` are unknown to backups that were taken before there were digests of them (`Sums.scope`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.backups.address import Connection

SCOPE = 1
"""What is read today; a backup's record says how much was read when it was taken."""
RIGHTS = ("owner ", "grants ", "default grants ")
EVENT_TRIGGERS = ("event trigger ",)
SINCE_RIGHTS = (
    *RIGHTS,
    *EVENT_TRIGGERS,
    "comment ",
    "aggregate ",
    "inheritance ",
    "publication ",
    "range ",
    "rule ",
    "server ",
    "statistics ",
    "storage ",
)

OURS = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_' and n.nspname <> all(%(left_out)s)"
NOT_OF = "not exists (select from pg_depend e where e.classid = '{}'::regclass and e.objid = {} and e.deptype = 'e')"

_OBJECTS = f"""
select 'column ' || n.nspname || '.' || c.relname || '.' || a.attname,
    concat_ws(' ', c.relkind, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
        pg_get_expr(d.adbin, d.adrelid))
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'v', 'm', 'p', 'f', 'c') and {OURS}
    and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'table ' || n.nspname || '.' || c.relname, concat_ws(' ', c.relkind, c.relrowsecurity, c.relforcerowsecurity,
        pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm', 'p', 'f') and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'constraint ' || n.nspname || '.' || c.relname || '.' || k.conname, pg_get_constraintdef(k.oid)
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where k.contype <> 'n' and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'index ' || n.nspname || '.' || c.relname, pg_get_indexdef(i.indexrelid)
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where i.indisvalid and {OURS} and {NOT_OF.format("pg_class", "i.indrelid")}
union all
select 'view ' || n.nspname || '.' || c.relname, pg_get_viewdef(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('v', 'm') and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    pg_get_functiondef(p.oid)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.prokind in ('f', 'p') and {OURS} and {NOT_OF.format("pg_proc", "p.oid")}
union all
select 'trigger ' || n.nspname || '.' || c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid) || t.tgenabled::text
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'policy ' || n.nspname || '.' || c.relname || '.' || p.polname,
    concat_ws(' ', p.polcmd, p.polpermissive,
        (select string_agg(r::regrole::text, ',' order by r::regrole::text collate "C")
            from unnest(p.polroles) r where r <> 0),
        pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'enum ' || n.nspname || '.' || t.typname, string_agg(e.enumlabel, ',' order by e.enumsortorder)
from pg_enum e join pg_type t on t.oid = e.enumtypid join pg_namespace n on n.oid = t.typnamespace
where {OURS} and {NOT_OF.format("pg_type", "t.oid")}
group by n.nspname, t.typname
union all
select 'domain ' || n.nspname || '.' || t.typname,
    concat_ws(' ', format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
        (select string_agg(pg_get_constraintdef(k.oid), ' ' order by k.conname) from pg_constraint k
            where k.contypid = t.oid and k.contype <> 'n'))
from pg_type t join pg_namespace n on n.oid = t.typnamespace
where t.typtype = 'd' and {OURS} and {NOT_OF.format("pg_type", "t.oid")}
union all
select 'sequence ' || n.nspname || '.' || c.relname, concat_ws(' ', s.seqstart, s.seqincrement, s.seqcycle)
from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
where {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'extension ' || extname, '' from pg_extension
"""

_DEFINED = f"""
select 'aggregate ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    concat_ws(' ', a.aggtransfn, a.aggfinalfn, format_type(a.aggtranstype, null), a.agginitval)
from pg_aggregate a join pg_proc p on p.oid = a.aggfnoid join pg_namespace n on n.oid = p.pronamespace
where {OURS} and {NOT_OF.format("pg_proc", "p.oid")}
union all
select 'inheritance ' || n.nspname || '.' || c.relname, string_agg(i.inhparent::regclass::text, ',' order by i.inhseqno)
from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_namespace n on n.oid = c.relnamespace
where not c.relispartition and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
group by n.nspname, c.relname
union all
select 'publication ' || p.pubname, concat_ws(' ', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
    p.pubtruncate, p.pubviaroot,
    (select string_agg(r.prrelid::regclass::text, ',' order by r.prrelid::regclass::text collate "C")
        from pg_publication_rel r where r.prpubid = p.oid))
from pg_publication p
union all
select 'range ' || n.nspname || '.' || t.typname, concat_ws(' ', format_type(r.rngsubtype, null),
    nullif(r.rngcanonical::oid, 0)::regproc, nullif(r.rngsubdiff::oid, 0)::regproc)
from pg_range r join pg_type t on t.oid = r.rngtypid join pg_namespace n on n.oid = t.typnamespace
where {OURS} and {NOT_OF.format("pg_type", "t.oid")}
union all
select 'rule ' || n.nspname || '.' || c.relname || '.' || r.rulename, pg_get_ruledef(r.oid)
from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
where r.rulename <> '_RETURN' and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'server ' || s.srvname, concat_ws(' ', w.fdwname, s.srvtype, s.srvversion)
from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw
where {NOT_OF.format("pg_foreign_server", "s.oid")}
union all
select 'statistics ' || n.nspname || '.' || s.stxname, pg_get_statisticsobjdef(s.oid)
from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
where {OURS}
union all
select 'storage ' || n.nspname || '.' || c.relname, concat_ws(' ', c.relpersistence, c.relreplident,
    (select string_agg(o, ',' order by o collate "C") from unnest(c.reloptions) o))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm', 'p', 'f') and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'event trigger ' || t.evtname,
    concat_ws(' ', t.evtevent, t.evtfoid::regproc, t.evtenabled, array_to_string(t.evttags, ','))
from pg_event_trigger t where {NOT_OF.format("pg_event_trigger", "t.oid")}
"""
_KIND_OF_RELATION = """(case c.relkind when 'S' then 's' else 'r' end)::"char" """
# An access list that is not there means the default; and in which order and by whom it was granted says nothing.
_GRANTED = """(select string_agg(distinct concat_ws(' ',
    case g.grantee when 0 then 'PUBLIC' else g.grantee::regrole::text end, g.privilege_type,
    case when g.is_grantable then 'grantable' end) collate "C", ',') from aclexplode({}) g)"""


def _of_each(place: str, owner: str, access: str, kind: str, source: str, where: str, *, default: str = "") -> str:
    """Two queries: who owns each of a kind, and who may do what with it."""
    whole = f"coalesce({access}, acldefault({default or repr(kind)}, {owner}))"
    return f"""
select 'owner ' || {place}, {owner}::regrole::text from {source} where {where}
union all
select 'grants ' || {place}, {_GRANTED.format(whole)} from {source} where {where}
"""


_RIGHTS = "union all".join(
    (
        _of_each(
            "n.nspname || '.' || c.relname",
            "c.relowner",
            "c.relacl",
            "r",
            "pg_class c join pg_namespace n on n.oid = c.relnamespace",
            f"c.relkind in ('r', 'v', 'm', 'p', 'f', 'S') and {OURS} and {NOT_OF.format('pg_class', 'c.oid')}",
            default=_KIND_OF_RELATION,
        ),
        _of_each(
            "n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'",
            "p.proowner",
            "p.proacl",
            "f",
            "pg_proc p join pg_namespace n on n.oid = p.pronamespace",
            f"{OURS} and {NOT_OF.format('pg_proc', 'p.oid')}",
        ),
        _of_each(
            "n.nspname || '.' || t.typname || ' (type)'",
            "t.typowner",
            "t.typacl",
            "T",
            "pg_type t join pg_namespace n on n.oid = t.typnamespace",
            f"t.typtype in ('e', 'd', 'r') and {OURS} and {NOT_OF.format('pg_type', 't.oid')}",
        ),
        _of_each(
            "n.nspname || '.(schema)'",
            "n.nspowner",
            "n.nspacl",
            "n",
            "pg_namespace n",
            f"{OURS} and {NOT_OF.format('pg_namespace', 'n.oid')}",
        ),
        _of_each("'large object ' || l.oid", "l.lomowner", "l.lomacl", "L", "pg_largeobject_metadata l", "true"),
        _of_each(
            "'server ' || s.srvname",
            "s.srvowner",
            "s.srvacl",
            "S",
            "pg_foreign_server s",
            NOT_OF.format("pg_foreign_server", "s.oid"),
        ),
        f"""
select 'owner publication ' || pubname, pubowner::regrole::text from pg_publication
union all
select 'owner event trigger ' || evtname, evtowner::regrole::text
from pg_event_trigger t where {NOT_OF.format("pg_event_trigger", "t.oid")}
union all
select 'grants ' || n.nspname || '.' || c.relname || '.' || a.attname, {_GRANTED.format("a.attacl")}
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where a.attacl is not null and not a.attisdropped and {OURS} and {NOT_OF.format("pg_class", "c.oid")}
union all
select 'default grants ' || coalesce(n.nspname || '.', '') || '(' || d.defaclobjtype::text || ' of '
    || d.defaclrole::regrole || ')', {_GRANTED.format("d.defaclacl")}
from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
where d.defaclnamespace = 0 or ({OURS})
union all
select 'comment ' || coalesce(i.schema || '.', '') || '(' || i.type || ' ' || i.identity || ')', d.description
from pg_description d, lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
where d.classoid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass)
    and i.schema <> 'information_schema' and i.schema !~ '^pg_' and i.schema <> all(%(left_out)s)
    and not exists (select from pg_depend e
        where e.classid = d.classoid and e.objid = d.objoid and e.deptype = 'e')
union all
select 'comment ' || n.nspname || '.(schema)', obj_description(n.oid, 'pg_namespace')
from pg_namespace n
where obj_description(n.oid, 'pg_namespace') is not null and {OURS} and {NOT_OF.format("pg_namespace", "n.oid")}
""",
    )
)
# What the parser adds when a definition comes back as text: casts that were not written, parentheses, spaces.
_CAST = re.compile(
    r"::\"?[\w.]+\"?(?: varying| precision| with(?:out)? time zone)?(?:\(\d+(?:,\d+)?\))?(?:\[\])*", re.IGNORECASE
)
_NOISE = re.compile(r"[\s()]+")


def fetch_objects(connection: Connection, left_out: Sequence[str] = ()) -> dict[str, str]:
    """A digest of every definition, by kind and name; the same before and after a dump."""
    asked = {"left_out": list(left_out)}
    rows = connection.execute("union all".join((_OBJECTS, _DEFINED)).encode(), asked).fetchall()
    rights = connection.execute(_RIGHTS.encode(), asked).fetchall()
    return {
        **{str(name): _digest(text or "") for name, text in rows},
        **{str(name): _plain_digest(text or "") for name, text in rights},
    }


def _digest(text: str) -> str:
    return _plain_digest(_NOISE.sub("", _CAST.sub("", text)))


def _plain_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
