"""One issue for a deployment, with one comment that is edited as it goes: GitHub limits what is written.

Both are known by hidden marks in their text. The issue is looked for among those with our label; where the account may
not set labels, GitHub drops it without a word, and the issue is found for a day by its last change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, OperationStatus
from providers.github.client import GitHubClient
from providers.wire import need_items, need_text, pick, text

LABEL = "quarterdeck"
OPEN, CLOSED = "open", "closed"
RECENT = timedelta(days=1)
COMMENT_MARK = "<!-- quarterdeck:progress -->"


@dataclass(frozen=True)
class Track:
    deployment: Annotated[str, "our deployment's id; there is one issue for each"]
    title: Annotated[str, "the issue's title, when it is made"]
    progress: Annotated[str, "how it goes, as Markdown; takes the place of what was said before"]
    about: Annotated[str, "the issue's text, when it is made"] = ""
    closed: Annotated[bool, "whether the issue is done with"] = False


@dataclass(frozen=True)
class ShowTracking:
    deployment: Annotated[str, "our deployment's id"]


@dataclass(frozen=True)
class Issue:
    number: int
    title: str
    body: str
    state: str
    url: str


@dataclass(frozen=True)
class Comment:
    id: str
    body: str
    url: str


@dataclass(frozen=True)
class Tracked:
    """The issue, and what its comment says now."""

    number: int
    title: str
    state: str
    progress: str
    url: str


class Tracking:
    """`Actuator[Track]`. References are `issue/comment`."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def show(self, request: ShowTracking) -> Tracked:
        issue = await self._find_issue(request.deployment, None)
        if issue is None:
            raise Rejected(
                self._client.http.provider,
                f"GitHub has no issue for deployment {request.deployment}.",
                f"repository {self._client.repository}",
                "It is made by the action `track`.",
            )
        comment = await self._find_comment(issue)
        said = comment.body.removesuffix(COMMENT_MARK).rstrip() if comment else ""
        return Tracked(issue.number, issue.title, issue.state, said, issue.url)

    async def start(self, request: Track, key: OperationKey) -> Operation:
        issue = await self._find_issue(request.deployment, key) or await self._open(request)
        comment = await self._find_comment(issue)
        if comment is None:
            path = self._client.at("issues", issue.number, "comments")
            comment = await self._client.change("POST", path, {"body": _said(request)}, parse_comment)
        elif comment.body != _said(request):
            path = self._client.at("issues", "comments", comment.id)
            comment = await self._client.change("PATCH", path, {"body": _said(request)}, parse_comment)
        if issue.state != _state(request):
            wish = {"state": _state(request), **({"state_reason": "completed"} if request.closed else {})}
            issue = await self._client.change("PATCH", self._client.at("issues", issue.number), wish, parse_issue)
        return _tracked(issue, comment)

    async def observe(self, reference: str) -> Operation:
        number, _, comment_id = reference.partition("/")
        issue = comment = None
        if number.isdigit() and comment_id.isdigit():
            issue = await self._client.fetch_or_none(self._client.at("issues", number), parse_issue)
            path = self._client.at("issues", "comments", comment_id)
            comment = await self._client.fetch_or_none(path, parse_comment) if issue else None
        if issue is None or comment is None:
            return Operation(reference, OperationStatus.LOST, "GitHub knows no such issue with such a comment")
        return _tracked(issue, comment)

    async def find(self, request: Track, key: OperationKey) -> Operation | None:
        issue = await self._find_issue(request.deployment, key)
        comment = await self._find_comment(issue) if issue else None
        if issue is None or comment is None:
            return None
        is_so = comment.body == _said(request) and issue.state == _state(request)
        return _tracked(issue, comment) if is_so else None

    async def _open(self, request: Track) -> Issue:
        body = "\n\n".join(filter(None, (request.about, _mark(request.deployment))))
        wish = {"title": request.title, "body": body, "labels": [LABEL]}
        return await self._client.change("POST", self._client.at("issues"), wish, parse_issue)

    async def _find_issue(self, deployment: str, key: OperationKey | None) -> Issue | None:
        """The oldest one, should there be several."""
        searches: list[Mapping[str, Any]] = [{"state": "all", "labels": LABEL}]
        if key is not None:
            since = self._client.http.platform_time(key.intended_at) - RECENT
            searches.append({"state": "all", "since": f"{since:%Y-%m-%dT%H:%M:%SZ}"})
        for params in searches:
            listed = await self._client.fetch_all(self._client.at("issues"), parse_issues, params)
            ours = [issue for issue in listed if _mark(deployment) in issue.body]
            if ours:
                return min(ours, key=lambda issue: issue.number)
        return None

    async def _find_comment(self, issue: Issue) -> Comment | None:
        path = self._client.at("issues", issue.number, "comments")
        listed = await self._client.fetch_all(path, parse_comments)
        return next((comment for comment in listed if COMMENT_MARK in comment.body), None)


def _mark(deployment: str) -> str:
    return f"<!-- quarterdeck:deployment {deployment} -->"


def _said(request: Track) -> str:
    return f"{request.progress}\n\n{COMMENT_MARK}"


def _state(request: Track) -> str:
    return CLOSED if request.closed else OPEN


def _tracked(issue: Issue, comment: Comment) -> Operation:
    outputs = {"issue": issue.number, "url": comment.url}
    words = f"issue {issue.number}, {issue.state}"
    return Operation(f"{issue.number}/{comment.id}", OperationStatus.SUCCEEDED, words, outputs)


def parse_issue(node: object) -> Issue:
    return Issue(
        number=int(need_text(node, "number")),
        title=text(node, "title"),
        body=text(node, "body").replace("\r\n", "\n"),
        state=text(node, "state"),
        url=text(node, "html_url"),
    )


def parse_issues(node: object) -> Sequence[Issue]:
    """Issues alone: GitHub lists pull requests among them."""
    return [parse_issue(one) for one in need_items(node) if pick(one, "pull_request") is None]


def parse_comment(node: object) -> Comment:
    return Comment(need_text(node, "id"), text(node, "body").replace("\r\n", "\n"), text(node, "html_url"))


def parse_comments(node: object) -> Sequence[Comment]:
    return [parse_comment(one) for one in need_items(node)]
