"""What people write at GitHub: issues with their comments."""

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.emulator import Tally
from console.playground.emulators.github_app import Frontdoor, api_of, invalid, paged
from console.playground.emulators.github_code import Code
from console.playground.emulators.wire import Refusal, as_json, read_object

Json = dict[str, Any]


@dataclass
class Comment:
    id: int
    issue: int
    body: str
    at: float
    updated_at: float


@dataclass
class Issue:
    number: int
    title: str
    body: str | None
    at: float
    updated_at: float
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None
    closed_at: float | None = None
    comments: list[Comment] = field(default_factory=list)


class Talk:
    """Issues and comments."""

    def __init__(self, code: Code, clock: Clock, tally: Tally) -> None:
        self._code = code
        self._clock = clock
        self._tally = tally
        self._numbers = 3_300_000
        self.issues: list[Issue] = []
        self.may_label = True
        """Labels of an account that may not push are dropped without a word."""
        self.are_on = True
        """Issues can be switched off for a repository: everything about them is then gone (410)."""

    def routes(self, door: Frontdoor) -> list[Route]:
        issues = "/repos/{owner}/{repo}/issues"
        return [
            door.route("GET", issues, self._list_issues),
            door.route("POST", issues, self._create_issue),
            door.route("GET", f"{issues}/comments/{{id:int}}", self._get_comment),
            door.route("PATCH", f"{issues}/comments/{{id:int}}", self._edit_comment),
            door.route("GET", f"{issues}/{{number:int}}", self._get_issue),
            door.route("PATCH", f"{issues}/{{number:int}}", self._edit_issue),
            door.route("GET", f"{issues}/{{number:int}}/comments", self._list_comments),
            door.route("POST", f"{issues}/{{number:int}}/comments", self._create_comment),
        ]

    @property
    def open_issues(self) -> int:
        return sum(issue.state == "open" for issue in self.issues)

    def add(self, title: str, body: str | None, labels: list[str]) -> Issue:
        now = self._clock.now()
        issue = Issue(len(self.issues) + 1, title, body, now, now, labels)
        self.issues.insert(0, issue)
        return issue

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _issue(self, request: Request) -> Issue:
        self._code.own(request)
        for issue in self.issues:
            if issue.number == request.path_params["number"]:
                return issue
        raise Refusal(404, "Not Found")

    async def _list_issues(self, request: Request) -> Response:
        self._code.own(request)
        state = request.query_params.get("state", "open")
        labels = [name for name in request.query_params.get("labels", "").split(",") if name]
        since = request.query_params.get("since", "")
        found = [
            self._issue_json(request, issue)
            for issue in self.issues
            if state in ("all", issue.state)
            and set(labels) <= set(issue.labels)
            and iso_seconds(issue.updated_at) >= since
        ]
        return paged(request, found)

    async def _create_issue(self, request: Request) -> Response:
        self._code.own(request)
        if not self.are_on:
            raise Refusal(410, "Issues has been disabled in this repository.")
        wish = await read_object(request)
        if not wish.get("title"):
            raise invalid("Issue", "title", "missing_field")
        labels = [one["name"] if isinstance(one, dict) else str(one) for one in wish.get("labels") or []]
        labels = labels if self.may_label else []
        issue = self.add(str(wish["title"]), wish.get("body"), labels)
        self._tally.add("issue")
        return as_json(self._issue_json(request, issue), 201)

    async def _get_issue(self, request: Request) -> Response:
        return as_json(self._issue_json(request, self._issue(request)))

    async def _edit_issue(self, request: Request) -> Response:
        issue, wish = self._issue(request), await read_object(request)
        if wish.get("state") not in (None, "open", "closed"):
            raise invalid("Issue", "state", "invalid")
        issue.title = wish.get("title") or issue.title
        issue.body = wish.get("body", issue.body)
        if wish.get("state") and wish["state"] != issue.state:
            issue.state = wish["state"]
            issue.closed_at = self._clock.now() if issue.state == "closed" else None
        if "state" in wish or "state_reason" in wish:
            closed = wish.get("state_reason") or "completed"
            issue.state_reason = closed if issue.state == "closed" else None
        issue.updated_at = self._clock.now()
        self._tally.add("issue_edit")
        return as_json(self._issue_json(request, issue))

    async def _list_comments(self, request: Request) -> Response:
        issue = self._issue(request)
        return paged(request, [self._comment_json(request, comment) for comment in issue.comments])

    async def _create_comment(self, request: Request) -> Response:
        issue, wish, now = self._issue(request), await read_object(request), self._clock.now()
        if not wish.get("body"):
            raise invalid("IssueComment", "body", "missing_field")
        comment = Comment(self._number(), issue.number, str(wish["body"]), now, now)
        issue.comments.append(comment)
        self._tally.add("comment")
        return as_json(self._comment_json(request, comment), 201)

    def _comment(self, request: Request) -> Comment:
        self._code.own(request)
        for comment in (comment for issue in self.issues for comment in issue.comments):
            if comment.id == request.path_params["id"]:
                return comment
        raise Refusal(404, "Not Found")

    async def _get_comment(self, request: Request) -> Response:
        return as_json(self._comment_json(request, self._comment(request)))

    async def _edit_comment(self, request: Request) -> Response:
        comment, wish = self._comment(request), await read_object(request)
        if not wish.get("body"):
            raise invalid("IssueComment", "body", "missing_field")
        comment.body, comment.updated_at = str(wish["body"]), self._clock.now()
        self._tally.add("comment_edit")
        return as_json(self._comment_json(request, comment))

    def _at(self, request: Request) -> str:
        return f"{api_of(request)}/repos/{self._code.full_name}"

    def _issue_json(self, request: Request, issue: Issue) -> Json:
        at, web = f"{self._at(request)}/issues/{issue.number}", f"https://github.com/{self._code.full_name}"
        return {
            "id": 1_300_000_000 + issue.number,
            "node_id": shapes.node_id("Issue", issue.number),
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": issue.state,
            "state_reason": issue.state_reason,
            "locked": False,
            "active_lock_reason": None,
            "assignee": None,
            "assignees": [],
            "author_association": "MEMBER",
            "milestone": None,
            "comments": len(issue.comments),
            "labels": [self._label_json(request, name) for name in issue.labels],
            "user": shapes.user(api_of(request)),
            "created_at": iso_seconds(issue.at),
            "updated_at": iso_seconds(issue.updated_at),
            "closed_at": iso_seconds(issue.closed_at) if issue.closed_at is not None else None,
            "url": at,
            "comments_url": f"{at}/comments",
            "events_url": f"{at}/events",
            "labels_url": f"{at}/labels{{/name}}",
            "html_url": f"{web}/issues/{issue.number}",
            "repository_url": self._at(request),
        }

    def _label_json(self, request: Request, name: str) -> Json:
        return {
            "id": 200 + sum(name.encode()),
            "node_id": shapes.node_id("Label", name),
            "url": f"{self._at(request)}/labels/{name}",
            "name": name,
            "description": None,
            "color": "ededed",
            "default": False,
        }

    def _comment_json(self, request: Request, comment: Comment) -> Json:
        web = f"https://github.com/{self._code.full_name}/issues/{comment.issue}"
        return {
            "id": comment.id,
            "node_id": shapes.node_id("IssueComment", comment.id),
            "body": comment.body,
            "user": shapes.user(api_of(request)),
            "author_association": "MEMBER",
            "created_at": iso_seconds(comment.at),
            "updated_at": iso_seconds(comment.updated_at),
            "url": f"{self._at(request)}/issues/comments/{comment.id}",
            "html_url": f"{web}#issuecomment-{comment.id}",
            "issue_url": f"{self._at(request)}/issues/{comment.issue}",
        }
