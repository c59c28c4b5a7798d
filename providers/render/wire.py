"""Render's answers, read leniently: recorded traffic has nulls where the document knows none, and newer words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from providers import wire
from providers.tail import Entry

T = TypeVar("T")

RUNNING = {
    "created": "waiting to start",
    "queued": "queued behind another deploy",
    "build_in_progress": "building",
    "pre_deploy_in_progress": "running the pre-deploy command",
    "update_in_progress": "starting and checking health",
}
SUCCEEDED = {"live": "live", "deactivated": "was live, replaced by a later deploy"}
FAILED = {
    "build_failed": "the build failed",
    "pre_deploy_failed": "the pre-deploy command failed",
    "update_failed": "the new instances did not become healthy",
}
CANCELLED = "canceled"
ENDED = frozenset({*SUCCEEDED, *FAILED, CANCELLED})


@dataclass(frozen=True)
class Service:
    id: str
    name: str
    type: str
    owner: str
    suspended: bool
    auto_deploy: bool | None
    url: str
    instances: int | None


@dataclass(frozen=True)
class Deploy:
    """`status` and `trigger` keep Render's words, also ones not known here; what it is not made of is ""."""

    id: str
    status: str
    trigger: str
    commit: str
    created_at: datetime | None
    image: str = ""
    build: str = ""

    @property
    def artifacts(self) -> frozenset[str]:
        """What it is made of, by every name that Render tells."""
        return frozenset({self.commit, self.image, self.build} - {""})

    @property
    def is_over(self) -> bool:
        return self.status in ENDED

    @property
    def has_served(self) -> bool:
        return self.status in SUCCEEDED


@dataclass(frozen=True)
class Event:
    type: str
    at: datetime | None
    details: object


@dataclass(frozen=True)
class LogPage:
    entries: tuple[Entry, ...]
    has_more: bool
    next_start: str
    next_end: str


@dataclass(frozen=True)
class Series:
    """One line of a metric, oldest first, in `unit`; `labels` tell it from the other lines."""

    unit: str
    values: tuple[tuple[datetime, float], ...]
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; `cursor` leads to the next, "" ends it."""

    items: tuple[T, ...]
    cursor: str


def parse_service(body: object) -> Service:
    details = wire.table(body, "serviceDetails")
    return Service(
        id=wire.need_text(body, "id"),
        name=wire.text(body, "name"),
        type=wire.text(body, "type"),
        owner=wire.text(body, "ownerId"),
        suspended=wire.text(body, "suspended") == "suspended",
        auto_deploy={"yes": True, "no": False}.get(wire.text(body, "autoDeploy")),
        url=wire.text(details, "url"),
        instances=wire.whole(details, "numInstances"),
    )


def parse_deploy(body: object) -> Deploy:
    return Deploy(
        id=wire.need_text(body, "id"),
        status=wire.text(body, "status"),
        trigger=wire.text(body, "trigger"),
        commit=wire.text(body, "commit", "id"),
        created_at=wire.moment(body, "createdAt"),
        image=wire.text(body, "image", "ref"),
        build=wire.text(body, "buildId"),
    )


def parse_event(body: object) -> Event:
    return Event(wire.text(body, "type"), wire.moment(body, "timestamp"), wire.table(body, "details"))


def parse_variable(body: object) -> tuple[str, str]:
    return wire.need_text(body, "key"), wire.text(body, "value")


def parse_owner(body: object) -> tuple[str, str]:
    """A workspace: its id and its name."""
    return wire.need_text(body, "id"), wire.text(body, "name")


def parse_user(body: object) -> str:
    """Who the token belongs to, e.g. `Quinn Deckhand <ops@harbour.example>`."""
    name, email = wire.text(body, "name"), wire.need_text(body, "email")
    return f"{name} <{email}>" if name else email


def parse_page(thing: str, parse: Callable[[object], T]) -> Callable[[object], Page[T]]:
    """Make a reader for a list: `[{"<thing>": {...}, "cursor": "…"}]`, or bare things without a cursor."""

    def read(body: object) -> Page[T]:
        rows = wire.need_items(body)
        found = tuple(parse(wire.pick(row, thing) if wire.table(row, thing) else row) for row in rows)
        return Page(found, wire.text(rows[-1], "cursor") if rows else "")

    return read


def parse_logs(body: object) -> LogPage:
    return LogPage(
        entries=tuple(entry for row in wire.need_items(body, "logs") if (entry := parse_log_entry(row)) is not None),
        has_more=wire.flag(body, "hasMore") or False,
        next_start=wire.text(body, "nextStartTime"),
        next_end=wire.text(body, "nextEndTime"),
    )


def parse_log_entry(row: object) -> Entry | None:
    """One line, as `/logs` lists it and the live log sends it; None without a time."""
    at = wire.moment(row, "timestamp")
    if at is None:
        return None
    labels = {wire.text(label, "name"): wire.text(label, "value") for label in wire.items(row, "labels")}
    message = wire.text(row, "message")
    key = wire.text(row, "id") or f"{at.isoformat()} {message}"
    return Entry(key, at, message, labels.get("level") or "info")


def parse_series(body: object) -> Sequence[Series]:
    return [
        Series(
            unit=wire.text(row, "unit"),
            values=tuple(
                (at, value)
                for point in wire.items(row, "values")
                if (at := wire.moment(point, "timestamp")) and (value := wire.number(point, "value")) is not None
            ),
            labels=tuple((wire.text(one, "field"), wire.text(one, "value")) for one in wire.items(row, "labels")),
        )
        for row in wire.need_items(body)
    ]
