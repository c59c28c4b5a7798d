"""Tell a commit's readers how something went: statuses by any token, check runs by GitHub Apps alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from console.domain.verdict import Verdict
from providers.ensuring import Setting
from providers.github.client import PAGE, GitHubClient
from providers.github.readings import Checks
from providers.wire import need_items, need_text, text

DESCRIPTION_LENGTH = 140


@dataclass(frozen=True)
class ShowChecks:
    commit: Annotated[str, "the full commit"]


@dataclass(frozen=True)
class SetStatus:
    commit: Annotated[str, "the full commit"]
    state: Annotated[str, "error, failure, pending or success"]
    context: Annotated[str, "who says so; the last word of each counts"] = "quarterdeck"
    description: Annotated[str, "in a few words, 140 characters at most"] = ""
    url: Annotated[str, "where to read more"] = ""


@dataclass(frozen=True)
class CommitStatus:
    context: str
    state: str
    description: str
    url: str


class CommitStatuses:
    """The newest of a context counts, so that saying the same again changes nothing. GitHub takes 1000 for each."""

    def __init__(self, client: GitHubClient, checks: Checks) -> None:
        self._client = client
        self._checks = checks
        self.setting = Setting(SetStatus, holds=self._holds, write=self._write, say=_say)

    async def show(self, request: ShowChecks) -> Verdict:
        return await self._checks.fetch_verdict(request.commit)

    async def _holds(self, request: SetStatus) -> bool | None:
        path = self._client.at("commits", request.commit, "status")
        told = await self._client.fetch_or_none(path, parse_statuses, {"per_page": PAGE})
        if told is not None and len(told) >= PAGE:
            told = await self._client.fetch_all(path, parse_statuses)
        return None if told is None else _wish(request) in told

    async def _write(self, request: SetStatus) -> None:
        wish = {
            "state": request.state,
            "context": request.context,
            "description": request.description[:DESCRIPTION_LENGTH],
            **({"target_url": request.url} if request.url else {}),
        }
        await self._client.change("POST", self._client.at("statuses", request.commit), wish, parse_status)


def _wish(request: SetStatus) -> CommitStatus:
    return CommitStatus(request.context, request.state, request.description[:DESCRIPTION_LENGTH], request.url)


def _say(request: SetStatus) -> str:
    return f"{request.context} {request.state} on {request.commit[:7]}"


def parse_status(node: object) -> CommitStatus:
    return CommitStatus(
        need_text(node, "context"), text(node, "state"), text(node, "description"), text(node, "target_url")
    )


def parse_statuses(node: object) -> Sequence[CommitStatus]:
    return [parse_status(one) for one in need_items(node, "statuses")]
