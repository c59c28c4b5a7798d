"""Read what Supabase's Management API answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers.tail import EPOCH, Entry
from providers.wire import flag, moment, need_items, need_text, number, pick, text

SUSPENDED = frozenset({"INACTIVE", "PAUSING", "PAUSED"})
LEVELS = {"ERROR": "error", "FATAL": "error", "PANIC": "error", "WARNING": "warning"}


@dataclass(frozen=True)
class Project:
    """`status` is Supabase's word; ACTIVE_HEALTHY is the good one."""

    ref: str
    name: str
    status: str


@dataclass(frozen=True)
class ServiceHealth:
    name: str
    healthy: bool
    words: str


def parse_organizations(node: object) -> Sequence[str]:
    return [text(one, "name") or need_text(one, "id") for one in need_items(node)]


def parse_project(node: object) -> Project:
    ref = text(node, "ref") or need_text(node, "id")
    return Project(ref, text(node, "name") or ref, text(node, "status") or "UNKNOWN")


def parse_projects(node: object) -> Sequence[Project]:
    return [parse_project(one) for one in need_items(node)]


def parse_health(node: object) -> Sequence[ServiceHealth]:
    return [
        ServiceHealth(
            need_text(one, "name"),
            flag(one, "healthy") is True or text(one, "status") == "ACTIVE_HEALTHY",
            text(one, "error") or text(one, "status"),
        )
        for one in need_items(node)
    ]


def parse_logs(node: object) -> Sequence[Entry] | str:
    """The lines, oldest first; or the words of an answer that is 200 and says that the query failed."""
    error = pick(node, "error")
    if error:
        return error if isinstance(error, str) else text(error, "message") or "the query failed"
    entries = [_entry(row) for row in need_items(node, "result")]
    return sorted((entry for entry in entries if entry is not None), key=lambda entry: entry.at)


def _entry(row: object) -> Entry | None:
    at = _time(row)
    if at is None:
        return None
    message = text(row, "event_message")
    level = LEVELS.get(text(row, "error_severity").upper(), "info")
    return Entry(text(row, "id") or f"{at.isoformat()} {message}", at, message, level)


def _time(row: object) -> datetime | None:
    microseconds = number(row, "timestamp")
    if microseconds is not None:
        return EPOCH + timedelta(microseconds=microseconds)
    return moment(row, "timestamp")
