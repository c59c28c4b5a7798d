"""A project's page of figures: CPU, memory, disk, connections, replication, in Prometheus's text format.

Read leniently, line by line: a published page holds a line with the same label twice, for which strict parsers refuse
the whole page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from console.domain.errors import UnexpectedReply
from providers.supabase.fields import ProjectRef, Row
from providers.supabase.hosts import ProjectHosts

_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?\s*")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
MOST_SAMPLES = 500


@dataclass(frozen=True)
class Sample:
    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Figures:
    project: ProjectRef


@dataclass(frozen=True)
class Samples:
    project: ProjectRef
    prefix: Annotated[str, "beginning of the names, as node_memory_ or pg_stat_"]


def parse_page(page: str) -> Sequence[Sample]:
    """Every sample that can be read; a line that makes no sense is left out, a repeated label has its last value."""
    return list(_samples(page))


def _samples(page: str) -> Iterator[Sample]:
    for line in page.splitlines():
        found = None if line.startswith("#") else _LINE.fullmatch(line)
        if found:
            try:
                yield Sample(found[1], dict(_LABEL.findall(found[2] or "")), float(found[3]))
            except ValueError:
                continue


class Metrics:
    def __init__(self, hosts: ProjectHosts) -> None:
        self._hosts = hosts

    async def fetch_figures(self, request: Figures) -> Row:
        """The figures that people look at, by our names; one that the page lacks is left out."""
        return summarize(await self._fetch(request.project))

    async def fetch_samples(self, request: Samples) -> Sequence[Row]:
        """Samples of the page as they are, at most 500."""
        found = [one for one in await self._fetch(request.project) if one.name.startswith(request.prefix)]
        own = ("supabase_project_ref", "supabase_identifier")
        return [
            {
                "name": one.name,
                **{name: text for name, text in one.labels.items() if name not in own},
                "value": one.value,
            }
            for one in found[:MOST_SAMPLES]
        ]

    async def _fetch(self, ref: str) -> Sequence[Sample]:
        samples = parse_page(await self._hosts.metrics(ref))
        if not samples:
            what = f"The page of figures of the Supabase project {ref} holds none."
            raise UnexpectedReply(self._hosts.http.provider, what, f"project {ref}")
        return samples


def summarize(samples: Sequence[Sample]) -> Row:
    """CPU as a share since the start of the machine (0 to 1); sizes in bytes, lags in seconds and bytes."""
    cpu = [one for one in samples if one.name == "node_cpu_seconds_total"]
    spent, idle = sum(one.value for one in cpu), sum(one.value for one in cpu if one.labels.get("mode") == "idle")
    disk = {one.labels.get("mountpoint"): one.value for one in samples if one.name == "node_filesystem_size_bytes"}
    place = "/data" if "/data" in disk else "/"

    def first(name: str, where: Callable[[Sample], bool] = lambda one: True) -> float | None:
        return next((one.value for one in samples if one.name == name and where(one)), None)

    def total(name: str) -> float | None:
        values = [one.value for one in samples if one.name == name]
        return sum(values) if values else None

    told = {
        "up": first("pg_up"),
        "cpu_share": 1 - idle / spent if spent else None,
        "load_1m": first("node_load1"),
        "memory_total_bytes": first("node_memory_MemTotal_bytes"),
        "memory_available_bytes": first("node_memory_MemAvailable_bytes"),
        "disk_size_bytes": first("node_filesystem_size_bytes", lambda one: one.labels.get("mountpoint") == place),
        "disk_available_bytes": first("node_filesystem_avail_bytes", lambda one: one.labels.get("mountpoint") == place),
        "database_size_mb": total("pg_database_size_mb"),
        "connections": total("connection_stats_connection_count"),
        "max_connections": first("max_connections_connection_count"),
        "backends": total("pg_stat_database_num_backends"),
        "pooler_waiting": total("pgbouncer_pools_client_waiting_connections"),
        "replication_lag_s": first("physical_replication_lag_physical_replication_lag_seconds"),
        "slot_lag_bytes": first("replication_slots_max_lag_bytes"),
        "read_only": first("pg_settings_default_transaction_read_only"),
    }
    return {name: value for name, value in told.items() if value is not None}
