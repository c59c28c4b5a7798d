"""Vercel's answers, read leniently; times are milliseconds since 1970."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from providers import wire
from providers.tail import Entry

RUNNING = {"QUEUED": "queued", "INITIALIZING": "starting to build", "BUILDING": "building"}
READY, ERROR, CANCELED, BLOCKED, DELETED = "READY", "ERROR", "CANCELED", "BLOCKED", "DELETED"
LEVELS = {"stderr": "error", "fatal": "error", "warning": "warning", "error": "error", "info": "info"}
QUOTED_FROM = 4
SPOKEN = ("stdout", "stderr", "command", "fatal")


@dataclass(frozen=True)
class AliasRequest:
    """The last promote or rollback of a project."""

    kind: str
    source: str
    target: str
    status: str
    requested_at: datetime | None


@dataclass(frozen=True)
class Project:
    """`production` is the id of the deployment that has the production domains, "" for none.

    `rolled_back`: a rollback holds them, so that new builds do not get them. `rolls`: they move by rolling release.
    """

    id: str
    name: str
    framework: str
    link: Mapping[str, object]
    assigns_domains: bool
    production: str
    domains: tuple[str, ...]
    paused: bool
    rolled_back: bool
    last_alias_request: AliasRequest | None
    rolls: bool = False


@dataclass(frozen=True)
class Deployment:
    """`state` and `substate` keep Vercel's words, also ones not known here."""

    id: str
    project: str
    state: str
    substate: str
    url: str
    commit: str
    meta: Mapping[str, str]
    alias_assigned: bool
    alias_error: str
    error: str
    checks: str
    created_at: datetime | None
    name: str = ""
    target: str = ""
    ref: str = ""
    aliases: tuple[str, ...] = ()
    rollback_candidate: bool = False


@dataclass(frozen=True)
class Variable:
    """`value` is None where Vercel keeps it to itself."""

    id: str
    key: str
    value: str | None
    kind: str
    targets: tuple[str, ...]
    branch: str


@dataclass(frozen=True)
class Failure:
    """A variable that was not written."""

    name: str
    code: str
    words: str

    def describe(self, values: Sequence[str] = ()) -> str:
        """Name and reason. Vercel's words are left out where they quote one of the values."""
        quotes = any(_quotes(self.words, value) for value in values)
        return f"{self.name}: {self.code if quotes or not self.words else self.words}"


def _quotes(words: str, value: str) -> bool:
    """Whether a value stands in a text. A very short one must stand there alone: it may be part of any word."""
    if len(value) >= QUOTED_FROM:
        return value in words
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", words) is not None


def parse_project(body: object) -> Project:
    production = wire.table(body, "targets", "production")
    return Project(
        id=wire.need_text(body, "id"),
        name=wire.text(body, "name"),
        framework=wire.text(body, "framework"),
        link=wire.table(body, "link"),
        assigns_domains=wire.flag(body, "autoAssignCustomDomains") is not False,
        production=wire.text(production, "id"),
        domains=wire.texts(production, "alias"),
        paused=wire.flag(body, "paused") or False,
        rolled_back=bool(wire.table(body, "lastRollbackTarget")),
        last_alias_request=_alias_request(wire.table(body, "lastAliasRequest")),
        rolls=bool(wire.table(body, "rollingRelease")),
    )


def _alias_request(body: Mapping[str, object]) -> AliasRequest | None:
    if not wire.text(body, "toDeploymentId"):
        return None
    return AliasRequest(
        kind=wire.text(body, "type"),
        source=wire.text(body, "fromDeploymentId"),
        target=wire.text(body, "toDeploymentId"),
        status=wire.text(body, "jobStatus"),
        requested_at=wire.moment(body, "requestedAt"),
    )


def parse_projects(body: object) -> tuple[tuple[Project, ...], str]:
    """One page and where the next begins, "" at the end. Old versions answer with a bare list."""
    rows = wire.need_items(body) if isinstance(body, list) else wire.need_items(body, "projects")
    return tuple(parse_project(row) for row in rows), wire.text(body, "pagination", "next")


def parse_next(body: object) -> str:
    """Where the next page of a list begins, "" at the end."""
    return wire.text(body, "pagination", "next")


def parse_deployment(body: object) -> Deployment:
    """Read one deployment, as inspected (`id`, `readyState`) or as listed (`uid`, `state`)."""
    meta = {name: value for name, value in wire.table(body, "meta").items() if isinstance(value, str)}
    return Deployment(
        id=wire.text(body, "id") or wire.need_text(body, "uid"),
        project=wire.text(body, "projectId"),
        state=wire.text(body, "readyState") or wire.text(body, "state"),
        substate=wire.text(body, "readySubstate"),
        url=wire.text(body, "url"),
        commit=wire.text(body, "gitSource", "sha") or meta.get("githubCommitSha", ""),
        meta=meta,
        alias_assigned=bool(wire.pick(body, "aliasAssigned")),
        alias_error=wire.text(body, "aliasError", "message") or wire.text(body, "aliasError", "code"),
        error=wire.text(body, "errorMessage") or wire.text(body, "errorCode"),
        checks=wire.text(body, "checksConclusion") or wire.text(body, "checksState"),
        created_at=wire.moment(body, "createdAt") or wire.moment(body, "created"),
        name=wire.text(body, "name"),
        target=wire.text(body, "target"),
        ref=wire.text(body, "gitSource", "ref") or meta.get("githubCommitRef", ""),
        aliases=wire.texts(body, "alias"),
        rollback_candidate=wire.flag(body, "isRollbackCandidate") or False,
    )


def parse_deployments(body: object) -> Sequence[Deployment]:
    return [parse_deployment(row) for row in wire.need_items(body, "deployments")]


def parse_variables(body: object) -> Sequence[Variable]:
    rows = wire.items(body, "envs") if wire.pick(body, "envs") is not None else [wire.need_table(body)]
    return [_variable(row) for row in rows if wire.text(row, "key")]


def _variable(row: object) -> Variable:
    kind = wire.text(row, "type")
    target = wire.pick(row, "target")
    hidden = kind in ("sensitive", "secret") or (kind == "encrypted" and wire.flag(row, "decrypted") is False)
    return Variable(
        id=wire.text(row, "id"),
        key=wire.text(row, "key"),
        value=None if hidden else wire.text(row, "value"),
        kind=kind,
        targets=(target,) if isinstance(target, str) else wire.texts(row, "target"),
        branch=wire.text(row, "gitBranch"),
    )


def parse_failures(body: object) -> Sequence[Failure]:
    """What a write of variables did not write: the answer's status is 201 all the same."""
    wire.need_table(body)
    return [
        Failure(
            wire.text(row, "error", "key") or wire.text(row, "error", "envVarKey") or "a variable",
            wire.text(row, "error", "code"),
            wire.text(row, "error", "message"),
        )
        for row in wire.items(body, "failed")
    ]


def parse_user(body: object) -> str:
    """Who the token belongs to."""
    user = wire.need_table(body, "user")
    name, email = wire.text(user, "username") or wire.text(user, "name"), wire.text(user, "email")
    return f"{name} <{email}>" if name and email else name or email or wire.need_text(user, "id")


def parse_team(body: object) -> str:
    return wire.text(body, "name") or wire.text(body, "slug") or wire.need_text(body, "id")


def parse_build_events(body: object) -> Sequence[Entry]:
    """Lines of a build. An event carries its text flat or under `payload`."""
    entries = []
    for row in wire.need_items(body):
        inner = wire.table(row, "payload") or wire.table(row)
        at = wire.moment(inner, "date") or wire.moment(row, "created") or wire.moment(inner, "created")
        kind, line = wire.text(row, "type"), wire.text(inner, "text")
        if at is None or not line or kind not in SPOKEN:
            continue
        key = wire.text(inner, "id") or wire.text(inner, "serial") or f"{at.isoformat()} {line}"
        level = LEVELS.get(wire.text(row, "level"), "info")
        entries.append(Entry(key, at, line.rstrip("\n"), level))
    return sorted(entries, key=lambda entry: entry.at)


def parse_runtime_line(row: object) -> Entry | None:
    """One line of the runtime log, None for what is no line (delimiters)."""
    at, message = wire.moment(row, "timestampInMs"), wire.text(row, "message")
    if at is None or wire.text(row, "source") == "delimiter":
        return None
    request = " ".join(filter(None, (wire.text(row, "requestMethod"), wire.text(row, "requestPath"))))
    key = wire.text(row, "rowId") or f"{at.isoformat()} {message}"
    return Entry(key, at, message or request, LEVELS.get(wire.text(row, "level"), "info"))
