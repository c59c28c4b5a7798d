"""Read what GitHub answers."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from providers.wire import ShapeError, items, moment, need_items, need_text, pick, text, whole

_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')
KEY = "operation_key"
PASSING = frozenset({"success", "neutral", "skipped"})
FAILING = frozenset({"failure", "error", "cancelled", "timed_out", "action_required", "startup_failure", "stale"})


class CheckState(Enum):
    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"


@dataclass(frozen=True)
class Check:
    """A commit status or a check run; `word` is GitHub's own for its state."""

    name: str
    state: CheckState
    word: str


@dataclass(frozen=True)
class Commit:
    sha: str
    message: str
    author: str
    committed_at: datetime | None


@dataclass(frozen=True)
class Entry:
    """One file of a directory; `sha` identifies its content."""

    name: str
    path: str
    sha: str


@dataclass(frozen=True)
class Deployment:
    """`key` is what our announcement put into its payload."""

    id: str
    key: str


@dataclass(frozen=True)
class DeploymentStatus:
    id: str
    state: str
    description: str
    created_at: datetime | None


def next_page(link: str) -> str:
    """The address that a `Link` header gives for the next page; "" on the last one."""
    found = _NEXT.search(link)
    return found[1] if found else ""


def parse_tags(node: object) -> dict[str, str]:
    """Commit to tag; of several tags of one commit the first that GitHub lists."""
    found: dict[str, str] = {}
    for item in need_items(node):
        found.setdefault(need_text(item, "commit", "sha"), need_text(item, "name"))
    return found


def parse_login(node: object) -> str:
    return need_text(node, "login")


def parse_commit(node: object) -> Commit:
    return Commit(
        sha=need_text(node, "sha"),
        message=text(node, "commit", "message").partition("\n")[0],
        author=text(node, "commit", "author", "name") or text(node, "author", "login"),
        committed_at=moment(node, "commit", "committer", "date"),
    )


def parse_compared(node: object) -> Sequence[Commit]:
    return [parse_commit(commit) for commit in need_items(node, "commits")]


def parse_directory(node: object) -> Sequence[Entry]:
    """The files of a directory; folders in it are left out."""
    return [
        Entry(need_text(entry, "name"), need_text(entry, "path"), need_text(entry, "sha"))
        for entry in need_items(node)
        if text(entry, "type") == "file"
    ]


def parse_content(node: object) -> str | None:
    """A file's text; None for one that GitHub does not put into this answer because it is large (over 1 MB)."""
    if text(node, "encoding") == "none" or (not text(node, "content") and whole(node, "size")):
        return None
    if text(node, "encoding") == "utf-8":
        return text(node, "content")
    try:
        return base64.b64decode(text(node, "content")).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as problem:
        raise ShapeError(f"{text(node, 'path') or 'a file'} is no text: {problem}") from problem


def parse_blob(node: object) -> str:
    content = parse_content(node)
    if content is None:
        raise ShapeError("it has no content")
    return content


def parse_statuses(node: object) -> Sequence[Check]:
    """Of a combined status, whose own state is not looked at: it says pending where there is none."""
    return [
        Check(need_text(one, "context"), _state(text(one, "state")), text(one, "state"))
        for one in need_items(node, "statuses")
    ]


def parse_check_runs(node: object) -> Sequence[Check]:
    return [_check_run(run) for run in need_items(node, "check_runs")]


def parse_deployment(node: object) -> Deployment:
    payload = pick(node, "payload")
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            payload = None
    return Deployment(need_text(node, "id"), text(payload, KEY))


def parse_deployments(node: object) -> Sequence[Deployment]:
    return [parse_deployment(one) for one in need_items(node)]


def parse_status(node: object) -> DeploymentStatus:
    return DeploymentStatus(
        need_text(node, "id"), need_text(node, "state"), text(node, "description"), moment(node, "created_at")
    )


def parse_status_list(node: object) -> Sequence[DeploymentStatus]:
    return [parse_status(one) for one in need_items(node)]


def read_message(body: object, fallback: str) -> str:
    """GitHub's words of refusal, with what it says about single fields."""
    told = [
        text(one, "message") or " ".join(filter(None, (text(one, "field"), text(one, "code"))))
        for one in items(body, "errors")
    ]
    return ": ".join(part for part in (text(body, "message") or fallback, "; ".join(filter(None, told))) if part)


def _check_run(run: object) -> Check:
    status, conclusion = text(run, "status"), text(run, "conclusion")
    name = need_text(run, "name")
    if status != "completed":
        return Check(name, CheckState.PENDING, status)
    return Check(name, _state(conclusion), conclusion)


def _state(word: str) -> CheckState:
    """A word that is not known here leaves it open: doubt is never a pass."""
    if word in PASSING:
        return CheckState.PASSED
    return CheckState.FAILED if word in FAILING else CheckState.PENDING
