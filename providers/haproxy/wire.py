"""Read what HAProxy's runtime socket answers: servers, counters, stick tables, itself.

Source: HAProxy 2.6.12, driven. `req_tot` of a server counts what it answered. Requests that found no connection
(`econ`), got no whole answer (`eresp`) or were sent to another server instead (`wredis`) are not among them, so that
all four together are what a server was asked. `rtime` is a mean over its last 1,024 requests, in whole milliseconds.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.wire import ShapeError

IN_MAINTENANCE = 0x01 | 0x02 | 0x04 | 0x20 | 0x40
DRAINED = 0x08 | 0x10
_ENTRY = re.compile(r"0x[0-9a-f]+: key=(\S+) (.*)")
_COUNT = re.compile(r"\bgpc(\d+)=(\d+)")


@dataclass(frozen=True)
class Server:
    """One server of a backend as it is set. `initial` is the weight that the configuration gives it."""

    name: str
    weight: int
    initial: int
    admin_state: int = 0

    @property
    def share(self) -> int:
        """Its weight for new requests: nothing while it is drained or in maintenance."""
        return 0 if self.admin_state & (IN_MAINTENANCE | DRAINED) else self.weight

    @property
    def state(self) -> str:
        if self.admin_state & IN_MAINTENANCE:
            return "maint"
        return "drain" if self.admin_state & DRAINED else "ready"


@dataclass(frozen=True)
class Figures:
    """What HAProxy counted of one server since it began; `mean_s` is over its last requests, in seconds."""

    name: str
    status: str
    check: str
    sessions: int
    queued: int
    answered: int
    server_errors: int
    refused: int
    broken: int
    sent_elsewhere: int
    retried: int
    mean_s: float

    @property
    def requests(self) -> int:
        return self.answered + self.refused + self.broken + self.sent_elsewhere

    @property
    def errors(self) -> int:
        return self.server_errors + self.refused + self.broken + self.sent_elsewhere


@dataclass(frozen=True)
class Backend:
    """The backend itself. `algorithm` and `cookie` are empty below level operator."""

    algorithm: str
    cookie: str
    mode: str


@dataclass(frozen=True)
class Process:
    version: str
    pid: int
    uptime_s: int
    began_s: int
    node: str
    connections: int
    most_connections: int


def parse_servers(section: str) -> tuple[Server, ...]:
    """`show servers state BACKEND`.

    Raises:
        ShapeError: It is none, or of a version that is not known.
    """
    lines = section.strip().splitlines()
    if len(lines) < 2 or lines[0] != "1" or not lines[1].startswith("# "):
        raise ShapeError("it is no list of servers")
    names = lines[1][2:].split(" ")
    servers = []
    for line in lines[2:]:
        row = dict(zip(names, line.split(" "), strict=False))
        servers.append(
            Server(
                row.get("srv_name", ""),
                _whole(row, "srv_uweight"),
                _whole(row, "srv_iweight"),
                _whole(row, "srv_admin_state"),
            )
        )
    return tuple(servers)


def parse_figures(section: str) -> tuple[Backend, tuple[Figures, ...]]:
    """`show stat BACKEND 6 -1`, by column names, which grow with every version.

    Raises:
        ShapeError: It is none, or a line is cut.
    """
    lines = section.strip().splitlines()
    if not lines or not lines[0].startswith("# pxname,svname,"):
        raise ShapeError("it is no table of figures")
    rows = list(csv.DictReader([lines[0][2:], *lines[1:]], restval=None))
    backend = Backend("", "", "")
    found = []
    for row in rows:
        if None in row.values():
            raise ShapeError("a line of its figures is cut")
        if row["svname"] == "BACKEND":
            backend = Backend(row.get("algo", ""), row.get("cookie", ""), row.get("mode", ""))
            continue
        found.append(
            Figures(
                name=row["svname"],
                status=row["status"],
                check=" ".join(filter(None, (row.get("check_status", ""), row.get("check_code", "")))),
                sessions=_whole(row, "scur"),
                queued=_whole(row, "qcur"),
                answered=_whole(row, "req_tot"),
                server_errors=_whole(row, "hrsp_5xx"),
                refused=_whole(row, "econ"),
                broken=_whole(row, "eresp"),
                sent_elsewhere=_whole(row, "wredis"),
                retried=_whole(row, "wretr"),
                mean_s=_whole(row, "rtime") / 1000,
            )
        )
    return backend, tuple(found)


def parse_process(section: str) -> Process:
    """`show info`. Raises ShapeError where it is none."""
    told = dict(line.split(": ", 1) for line in section.splitlines() if ": " in line)
    if told.get("Name") != "HAProxy":
        raise ShapeError("it is not HAProxy's")
    return Process(
        told.get("Version", ""),
        _whole(told, "Pid"),
        _whole(told, "Uptime_sec"),
        _whole(told, "Start_time_sec"),
        told.get("node", ""),
        _whole(told, "CurrConns"),
        _whole(told, "Maxconn"),
    )


def parse_table(section: str) -> Mapping[str, Sequence[int]] | None:
    """`show table NAME`: the general counters of each key, in order. None where there is no such table.

    Raises:
        ShapeError: It is something else.
    """
    if section.strip() == "No such table":
        return None
    lines = section.strip().splitlines()
    if not lines or not lines[0].startswith("# table: "):
        raise ShapeError("it is no stick table")
    entries = [found for line in lines[1:] if (found := _ENTRY.match(line))]
    return {entry[1]: [int(count) for _, count in _COUNT.findall(entry[2])] for entry in entries}


def build_buckets(counts: Sequence[int], bounds_ms: Sequence[int]) -> dict[float, int]:
    """The counters of a latency table as cumulative buckets in seconds; the last counter is of all requests.

    Raises:
        ShapeError: The table has another number of counters than there are bounds.
    """
    if counts and len(counts) < len(bounds_ms) + 1:
        raise ShapeError(f"its latency table has {len(counts)} counters where {len(bounds_ms) + 1} are configured")
    padded = [*counts, *[0] * (len(bounds_ms) + 1 - len(counts))]
    return {bound: padded[place] for place, bound in enumerate([*(ms / 1000 for ms in bounds_ms), math.inf])}


def estimate_sum(buckets: Mapping[float, int]) -> float:
    """Seconds of all requests together, each taken to be in the middle of its bucket, the slowest at the last bound."""
    total, lower, below = 0.0, 0.0, 0
    for bound, count in buckets.items():
        middle = lower if math.isinf(bound) else (lower + bound) / 2
        total += (count - below) * middle
        lower, below = bound, count
    return total


def _whole(row: Mapping[str, str], name: str) -> int:
    text = row.get(name, "")
    if not text:
        return 0
    if not re.fullmatch(r"-?\d+", text):
        raise ShapeError(f"its {name} is no number")
    return max(0, int(text))
