"""Check runs of ours: what GitHub shows in detail beside a commit. Only Apps may write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from providers.ensuring import Setting
from providers.github.client import GitHubClient
from providers.wire import need_items, need_text, text

COMPLETED = "completed"
OURS = "quarterdeck"


@dataclass(frozen=True)
class SetCheck:
    commit: Annotated[str, "the full commit"]
    name: Annotated[str, "the check's name; there is one of ours of each name on a commit"]
    status: Annotated[str, "queued, in_progress or completed"] = COMPLETED
    conclusion: Annotated[str, "once completed: success, failure, neutral, cancelled, skipped, timed_out, …"] = ""
    title: Annotated[str, "what it found, in a line"] = ""
    summary: Annotated[str, "what it found, as Markdown"] = ""
    url: Annotated[str, "where to read more"] = ""


@dataclass(frozen=True)
class _CheckRun:
    id: str
    external_id: str
    status: str
    conclusion: str
    title: str
    summary: str


class CheckRuns:
    """One run of each name on a commit, known by the mark that GitHub keeps for us (`external_id`)."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self.setting = Setting(SetCheck, holds=self._holds, write=self._write, say=_say)

    async def _holds(self, request: SetCheck) -> bool | None:
        path = self._client.at("commits", request.commit, "check-runs")
        if await self._client.fetch_or_none(path, _parse_runs, _filter(request)) is None:
            return None
        found = await self._find(request)
        if found is None:
            return False
        wish = (request.status, request.conclusion, request.title, request.summary)
        return wish == (found.status, found.conclusion, found.title, found.summary)

    async def _write(self, request: SetCheck) -> None:
        found = await self._find(request)
        wish: dict[str, Any] = {"name": request.name, "status": request.status, "external_id": _mark(request)}
        if request.conclusion:
            wish["conclusion"] = request.conclusion
        if request.title or request.summary:
            wish["output"] = {"title": request.title or request.name, "summary": request.summary}
        if request.url:
            wish["details_url"] = request.url
        if found is None:
            path = self._client.at("check-runs")
            await self._client.change("POST", path, {**wish, "head_sha": request.commit}, _parse_run)
        else:
            await self._client.change("PATCH", self._client.at("check-runs", found.id), wish, _parse_run)

    async def _find(self, request: SetCheck) -> _CheckRun | None:
        path = self._client.at("commits", request.commit, "check-runs")
        listed = await self._client.fetch_all(path, _parse_runs, _filter(request))
        return next((run for run in listed if run.external_id == _mark(request)), None)


def _filter(request: SetCheck) -> Mapping[str, Any]:
    return {"check_name": request.name, "filter": "latest", "per_page": 100}


def _mark(request: SetCheck) -> str:
    return f"{OURS}:{request.name}"


def _say(request: SetCheck) -> str:
    return f"{request.name} {request.conclusion or request.status} on {request.commit[:7]}"


def _parse_run(node: object) -> _CheckRun:
    return _CheckRun(
        id=need_text(node, "id"),
        external_id=text(node, "external_id"),
        status=text(node, "status"),
        conclusion=text(node, "conclusion"),
        title=text(node, "output", "title"),
        summary=text(node, "output", "summary"),
    )


def _parse_runs(node: object) -> Sequence[_CheckRun]:
    return [_parse_run(one) for one in need_items(node, "check_runs")]
