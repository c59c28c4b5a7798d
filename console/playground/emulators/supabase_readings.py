"""What Supabase tells about a project's database: advice, settings, and the Prometheus page.

All figures are read from the running server and the machine; names and labels are those of the recorded page.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from console.playground.emulators.supabase_database import Database

Json = dict[str, Any]

_SECURITY = """
select 'rls_disabled_in_public' as lint, n.nspname as schema, c.relname as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r' and not c.relrowsecurity order by 3
"""
_PERFORMANCE = """
select 'no_primary_key' as lint, n.nspname as schema, c.relname as name
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r'
  and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary)
union all
select 'unindexed_foreign_keys', n.nspname, c.relname
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and n.nspname = 'public'
  and not exists (select 1 from pg_index i where i.indrelid = k.conrelid and i.indkey[0] = k.conkey[1])
order by 1, 3
"""
_LINTS = {
    "rls_disabled_in_public": (
        "RLS Disabled in Public",
        "ERROR",
        "SECURITY",
        "Detects cases where row level security (RLS) has not been enabled on tables in schemas exposed to PostgREST",
        "is public, but RLS has not been enabled.",
    ),
    "no_primary_key": (
        "No Primary Key",
        "INFO",
        "PERFORMANCE",
        "Detects if a table does not have a primary key, which can be inefficient to interact with at scale.",
        "does not have a primary key",
    ),
    "unindexed_foreign_keys": (
        "Unindexed foreign keys",
        "INFO",
        "PERFORMANCE",
        "Identifies foreign key constraints without a covering index, which can impact database performance.",
        "has a foreign key without a covering index",
    ),
}
_FIGURES = """
select
  (select sum(pg_database_size(oid)) / 1048576.0 from pg_database)::float8 as size_mb,
  pg_database_size(current_database()) as size_bytes, current_database() as name,
  d.numbackends, d.xact_commit, d.xact_rollback, d.blks_read, d.blks_hit, d.tup_returned, d.tup_fetched,
  d.tup_inserted, d.tup_updated, d.tup_deleted, d.deadlocks, d.temp_files,
  (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
  current_setting('max_connections')::int as max_connections,
  (select setting = 'on' from pg_settings where name = 'default_transaction_read_only')::int as read_only
from pg_stat_database d where d.datname = current_database()
"""
_DATABASE_TOTALS = (
    "xact_commit xact_rollback blks_read blks_hit tup_returned tup_fetched tup_inserted tup_updated tup_deleted "
    "deadlocks temp_files"
)


async def advice(database: Database, security: bool) -> list[Json]:
    """Run the lints of one advisor."""
    found = await database.ask(_SECURITY if security else _PERFORMANCE)
    return [_lint(row["lint"], row["schema"], row["name"]) for row in found]


def _lint(name: str, schema: str, table: str) -> Json:
    title, level, category, description, detail = _LINTS[name]
    return {
        "name": name,
        "title": title,
        "level": level,
        "facing": "EXTERNAL",
        "categories": [category],
        "description": description,
        "detail": f"Table \\`{schema}.{table}\\` {detail}",
        "remediation": f"https://supabase.com/docs/guides/database/database-linter?lint={name}",
        "metadata": {"schema": schema, "name": table, "type": "table"},
        "cache_key": f"{name}_{schema}_{table}",
    }


async def metrics_page(database: Database, ref: str) -> str:
    """The privileged metrics page in Prometheus text."""
    rows = await database.ask(_FIGURES)
    common = f'supabase_project_ref="{ref}",supabase_identifier="{ref}"'
    postgres = f'{common},service_type="postgresql"'
    lines = [f"pg_up{{{postgres}}} {len(rows)}"]
    for row in rows:
        local = f'{postgres},server="localhost:5432"'
        lines += [
            f"pg_database_size_mb{{{local}}} {row['size_mb']}",
            f'pg_database_size_bytes{{{postgres},datname="{row["name"]}"}} {row["size_bytes"]}',
            f"pg_stat_database_num_backends{{{local}}} {row['numbackends']}",
            f"max_connections_connection_count{{{local}}} {row['max_connections']}",
            f"pg_settings_default_transaction_read_only{{{local}}} {row['read_only']}",
            f'connection_stats_connection_count{{{local},username="other"}} {row["connections"]}',
            *(f"pg_stat_database_{name}_total{{{local}}} {row[name]}" for name in _DATABASE_TOTALS.split()),
        ]
    lines += _machine(f'{common},service_type="db"')
    return "\n".join(lines) + "\n"


def _machine(labels: str) -> list[str]:
    disk = os.statvfs("/")
    place = f'{labels},device="/dev/root",device_error="",fstype="ext4",mountpoint="/"'
    lines = [
        f"node_filesystem_size_bytes{{{place}}} {disk.f_blocks * disk.f_frsize}",
        f"node_filesystem_avail_bytes{{{place}}} {disk.f_bavail * disk.f_frsize}",
    ]
    lines += [
        f"node_load{minutes}{{{labels}}} {load}" for minutes, load in zip((1, 5, 15), os.getloadavg(), strict=True)
    ]
    for line in _lines("/proc/meminfo"):
        name, _, rest = line.partition(":")
        if name in ("MemTotal", "MemFree", "MemAvailable"):
            lines.append(f"node_memory_{name}_bytes{{{labels}}} {int(rest.split()[0]) * 1024}")
    modes = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    for line in _lines("/proc/stat"):
        name, *ticks = line.split()
        if name.startswith("cpu") and name != "cpu":
            for mode, spent in zip(modes, ticks, strict=False):
                lines.append(f'node_cpu_seconds_total{{{labels},cpu="{name[3:]}",mode="{mode}"}} {int(spent) / 100}')
    return lines


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def digest(value: str) -> str:
    """What Supabase shows in place of a secret's value."""
    return hashlib.sha256(value.encode()).hexdigest()
