"""What people read at GitHub: issues with their comments, pull requests, releases and their notes."""

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


@dataclass
class PublishedRelease:
    id: int
    tag: str
    name: str
    body: str
    target: str
    at: float
    is_draft: bool = False
    is_prerelease: bool = False


class Talk:
    """Issues, comments, pull requests and releases."""

    def __init__(self, code: Code, clock: Clock, tally: Tally) -> None:
        self._code = code
        self._clock = clock
        self._tally = tally
        self._numbers = 3_300_000
        self.issues: list[Issue] = []
        self.releases = [
            PublishedRelease(
                id=72_000_000 + number,
                tag=release.name,
                name=release.name,
                body=f"* {release.message}",
                target="main",
                at=release.created_at.timestamp() + 600,
            )
            for number, release in reversed(list(enumerate(code.releases.releases)))
            if release.good
        ]

    def routes(self, door: Frontdoor) -> list[Route]:
        repo, issues = "/repos/{owner}/{repo}", "/repos/{owner}/{repo}/issues"
        return [
            door.route("GET", issues, self._list_issues),
            door.route("POST", issues, self._create_issue),
            door.route("PATCH", f"{issues}/comments/{{id:int}}", self._edit_comment),
            door.route("GET", f"{issues}/{{number:int}}", self._get_issue),
            door.route("PATCH", f"{issues}/{{number:int}}", self._edit_issue),
            door.route("GET", f"{issues}/{{number:int}}/comments", self._list_comments),
            door.route("POST", f"{issues}/{{number:int}}/comments", self._create_comment),
            door.route("GET", f"{repo}/pulls", self._list_pulls),
            door.route("GET", f"{repo}/pulls/{{number:int}}", self._no_pull),
            door.route("GET", f"{repo}/pulls/{{number:int}}/reviews", self._no_pull),
            door.route("GET", f"{repo}/releases", self._list_releases),
            door.route("POST", f"{repo}/releases", self._create_release),
            door.route("POST", f"{repo}/releases/generate-notes", self._generate_notes),
            door.route("GET", f"{repo}/releases/latest", self._latest_release),
            door.route("GET", f"{repo}/releases/tags/{{tag:path}}", self._release_of_tag),
        ]

    @property
    def open_issues(self) -> int:
        return sum(issue.state == "open" for issue in self.issues)

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
        found = [
            self._issue_json(request, issue)
            for issue in self.issues
            if state in ("all", issue.state) and set(labels) <= set(issue.labels)
        ]
        return paged(request, found)

    async def _create_issue(self, request: Request) -> Response:
        self._code.own(request)
        wish, now = await read_object(request), self._clock.now()
        if not wish.get("title"):
            raise invalid("Issue", "title", "missing_field")
        labels = [one["name"] if isinstance(one, dict) else str(one) for one in wish.get("labels") or []]
        issue = Issue(len(self.issues) + 1, str(wish["title"]), wish.get("body"), now, now, labels)
        self.issues.insert(0, issue)
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

    async def _edit_comment(self, request: Request) -> Response:
        self._code.own(request)
        wish = await read_object(request)
        if not wish.get("body"):
            raise invalid("IssueComment", "body", "missing_field")
        for comment in (comment for issue in self.issues for comment in issue.comments):
            if comment.id == request.path_params["id"]:
                comment.body, comment.updated_at = str(wish["body"]), self._clock.now()
                self._tally.add("comment_edit")
                return as_json(self._comment_json(request, comment))
        raise Refusal(404, "Not Found")

    async def _list_pulls(self, request: Request) -> Response:
        self._code.own(request)
        return paged(request, [])

    async def _no_pull(self, request: Request) -> Response:
        self._code.own(request)
        raise Refusal(404, "Not Found")

    async def _list_releases(self, request: Request) -> Response:
        self._code.own(request)
        return paged(request, [self._release_json(request, release) for release in self.releases])

    async def _latest_release(self, request: Request) -> Response:
        self._code.own(request)
        for release in self.releases:
            if not (release.is_draft or release.is_prerelease):
                return as_json(self._release_json(request, release))
        raise Refusal(404, "Not Found")

    async def _release_of_tag(self, request: Request) -> Response:
        self._code.own(request)
        for release in self.releases:
            if release.tag == request.path_params["tag"]:
                return as_json(self._release_json(request, release))
        raise Refusal(404, "Not Found")

    async def _create_release(self, request: Request) -> Response:
        self._code.own(request)
        wish = await read_object(request)
        tag = wish.get("tag_name")
        if not isinstance(tag, str) or not tag:
            raise invalid("Release", "tag_name", "missing_field")
        if any(release.tag == tag for release in self.releases):
            raise invalid("Release", "tag_name", "already_exists")
        notes = self._notes(tag, None) if wish.get("generate_release_notes") else ""
        release = PublishedRelease(
            id=self._number(),
            tag=tag,
            name=wish.get("name") or tag,
            body=wish.get("body") or notes,
            target=wish.get("target_commitish") or "main",
            at=self._clock.now(),
            is_draft=bool(wish.get("draft")),
            is_prerelease=bool(wish.get("prerelease")),
        )
        self.releases.insert(0, release)
        self._tally.add("release")
        return as_json(self._release_json(request, release), 201)

    async def _generate_notes(self, request: Request) -> Response:
        self._code.own(request)
        wish = await read_object(request)
        if not wish.get("tag_name"):
            raise invalid("Release", "tag_name", "missing_field")
        return as_json({"name": wish["tag_name"], "body": self._notes(wish["tag_name"], wish.get("previous_tag_name"))})

    def _notes(self, tag: str, previous: str | None) -> str:
        line = list(self._code.releases.releases)
        head = self._code.releases.find(tag) or self._code.releases.main
        start = next((place + 1 for place, one in enumerate(line) if one.name == previous), line.index(head))
        changes = "\n".join(f"* {one.message} by @{shapes.USER}" for one in line[start : line.index(head) + 1])
        compare = f"https://github.com/{self._code.full_name}/compare/{previous}...{tag}" if previous else tag
        return f"## What's Changed\n{changes}\n\n\n**Full Changelog**: {compare}"

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

    def _release_json(self, request: Request, release: PublishedRelease) -> Json:
        at = f"{self._at(request)}/releases/{release.id}"
        return {
            "id": release.id,
            "node_id": shapes.node_id("Release", release.id),
            "tag_name": release.tag,
            "target_commitish": release.target,
            "name": release.name,
            "body": release.body,
            "draft": release.is_draft,
            "prerelease": release.is_prerelease,
            "created_at": iso_seconds(release.at),
            "published_at": None if release.is_draft else iso_seconds(release.at),
            "author": shapes.user(api_of(request)),
            "assets": [],
            "url": at,
            "assets_url": f"{at}/assets",
            "upload_url": f"{at}/assets{{?name,label}}",
            "html_url": f"https://github.com/{self._code.full_name}/releases/tag/{release.tag}",
            "tarball_url": f"{self._at(request)}/tarball/{release.tag}",
            "zipball_url": f"{self._at(request)}/zipball/{release.tag}",
        }
