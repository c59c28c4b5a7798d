"""GitHub's pull requests with their reviews, and what protects the branch: rulesets and the branch's own settings.

There is none of it until somebody adds it; a repository without is what a playground begins with.
"""

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.github_app import Frontdoor, api_of, paged
from console.playground.emulators.github_code import Code
from console.playground.emulators.wire import Refusal, as_json

Json = dict[str, Any]
RULESET = 4401
ONLY_ASKED_FOR_ITSELF = ("network_count", "subscribers_count")
"""Fields of a repository that it does not have inside another object."""


@dataclass
class Review:
    id: int
    by: str
    state: str
    at: float


@dataclass
class Pull:
    number: int
    title: str
    sha: str
    at: float
    reviews: list[Review] = field(default_factory=list)


@dataclass
class Protection:
    """Settings of a branch. `required_checks` and `approvals` are asked for before a change."""

    required_checks: tuple[str, ...] = ()
    approvals: int = 0


class Reviewing:
    """Pull requests, reviews, rules. Without `is_admin` the branch's own settings are hidden (404), as at GitHub."""

    def __init__(self, code: Code, clock: Clock) -> None:
        self._code = code
        self._clock = clock
        self.pulls: list[Pull] = []
        self.by_rules: Protection | None = None
        self.by_branch: Protection | None = None
        self.is_admin = True

    def routes(self, door: Frontdoor) -> list[Route]:
        repo = "/repos/{owner}/{repo}"
        return [
            door.route("GET", f"{repo}/pulls", self._list_pulls),
            door.route("GET", f"{repo}/pulls/{{number:int}}/reviews", self._list_reviews),
            door.route("GET", f"{repo}/commits/{{sha}}/pulls", self._pulls_of_commit),
            door.route("GET", f"{repo}/branches/{{branch}}/protection", self._protection),
            door.route("GET", f"{repo}/rules/branches/{{branch:path}}", self._rules),
            door.route("GET", f"{repo}/rulesets", self._rulesets),
        ]

    def add_pull(self, sha: str, title: str) -> Pull:
        pull = Pull(len(self.pulls) + 40, title, sha, self._clock.now())
        self.pulls.insert(0, pull)
        return pull

    def review(self, pull: Pull, by: str, state: str) -> None:
        pull.reviews.append(Review(90_000 + pull.number * 10 + len(pull.reviews), by, state, self._clock.now()))

    async def _list_pulls(self, request: Request) -> Response:
        self._code.own(request)
        return paged(request, [self._pull_json(request, pull) for pull in self.pulls])

    async def _pulls_of_commit(self, request: Request) -> Response:
        self._code.own(request)
        sha = request.path_params["sha"]
        return paged(request, [self._pull_json(request, pull) for pull in self.pulls if pull.sha == sha])

    async def _list_reviews(self, request: Request) -> Response:
        self._code.own(request)
        for pull in self.pulls:
            if pull.number == request.path_params["number"]:
                return paged(request, [self._review_json(request, pull, review) for review in pull.reviews])
        raise Refusal(404, "Not Found")

    def _need_branch(self, request: Request) -> None:
        self._code.own(request)
        if request.path_params["branch"] != "main":
            raise Refusal(404, "Branch not found")

    async def _protection(self, request: Request) -> Response:
        self._need_branch(request)
        if not self.is_admin:
            raise Refusal(404, "Not Found")
        if self.by_branch is None:
            raise Refusal(404, "Branch not protected")
        at, own = f"{self._at(request)}/branches/main/protection", self.by_branch
        checks = f"{at}/required_status_checks"
        return as_json(
            {
                "url": at,
                "required_status_checks": {
                    "url": checks,
                    "strict": True,
                    "contexts": list(own.required_checks),
                    "contexts_url": f"{checks}/contexts",
                    "checks": [{"context": name, "app_id": None} for name in own.required_checks],
                },
                "required_pull_request_reviews": {
                    "url": f"{at}/required_pull_request_reviews",
                    "dismiss_stale_reviews": False,
                    "require_code_owner_reviews": True,
                    "required_approving_review_count": own.approvals,
                    "require_last_push_approval": False,
                },
                "enforce_admins": {"url": f"{at}/enforce_admins", "enabled": True},
                "required_linear_history": {"enabled": False},
                "allow_force_pushes": {"enabled": False},
                "allow_deletions": {"enabled": False},
            }
        )

    async def _rules(self, request: Request) -> Response:
        self._code.own(request)
        if self.by_rules is None or request.path_params["branch"] != "main":
            return paged(request, [])
        of = {
            "ruleset_source_type": "Repository",
            "ruleset_source": self._code.full_name,
            "ruleset_id": RULESET,
        }
        checks = {
            "required_status_checks": [{"context": name} for name in self.by_rules.required_checks],
            "strict_required_status_checks_policy": False,
        }
        pull = {
            "required_approving_review_count": self.by_rules.approvals,
            "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
        }
        rules: list[Json] = [
            {"type": "deletion", **of},
            {"type": "required_status_checks", "parameters": checks, **of},
            {"type": "pull_request", "parameters": pull, **of},
        ]
        return paged(request, rules)

    async def _rulesets(self, request: Request) -> Response:
        self._code.own(request)
        named: Json = {"id": RULESET, "name": "main", "target": "branch", "source": self._code.full_name}
        found = [{**named, "source_type": "Repository", "enforcement": "active"}] if self.by_rules else []
        return paged(request, found)

    def _at(self, request: Request) -> str:
        return f"{api_of(request)}/repos/{self._code.full_name}"

    def _web(self, pull: Pull) -> str:
        return f"https://github.com/{self._code.full_name}/pull/{pull.number}"

    def _pull_json(self, request: Request, pull: Pull) -> Json:
        at, api = self._at(request), api_of(request)
        own, issue = f"{at}/pulls/{pull.number}", f"{at}/issues/{pull.number}"
        owner = self._code.full_name.partition("/")[0]
        full = shapes.repository(api, self._code.full_name, pull.at, pull.at, 0)
        repo = {name: value for name, value in full.items() if name not in ONLY_ASKED_FOR_ITSELF}
        side = {"user": shapes.user(api, owner, "Organization"), "repo": {**repo, "has_downloads": True}}
        links = {
            "self": own,
            "html": self._web(pull),
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{own}/comments",
            "review_comment": f"{at}/pulls/comments{{/number}}",
            "commits": f"{own}/commits",
            "statuses": f"{at}/statuses/{pull.sha}",
        }
        return {
            "id": 500_000 + pull.number,
            "node_id": shapes.node_id("PullRequest", pull.number),
            "number": pull.number,
            "title": pull.title,
            "state": "closed",
            "locked": False,
            "user": shapes.user(api),
            "body": None,
            "labels": [],
            "milestone": None,
            "assignee": None,
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "author_association": "MEMBER",
            "auto_merge": None,
            "draft": False,
            "created_at": iso_seconds(pull.at),
            "updated_at": iso_seconds(pull.at),
            "closed_at": iso_seconds(pull.at),
            "merged_at": iso_seconds(pull.at),
            "merge_commit_sha": pull.sha,
            "head": {"label": f"{owner}:work", "ref": "work", "sha": pull.sha, **side},
            "base": {"label": f"{owner}:main", "ref": "main", "sha": self._code.releases.first.commit, **side},
            "_links": {name: {"href": link} for name, link in links.items()},
            "url": own,
            "html_url": self._web(pull),
            "diff_url": f"{self._web(pull)}.diff",
            "patch_url": f"{self._web(pull)}.patch",
            "issue_url": issue,
            "commits_url": links["commits"],
            "comments_url": links["comments"],
            "review_comments_url": links["review_comments"],
            "review_comment_url": links["review_comment"],
            "statuses_url": links["statuses"],
        }

    def _review_json(self, request: Request, pull: Pull, review: Review) -> Json:
        own, web = f"{self._at(request)}/pulls/{pull.number}", f"{self._web(pull)}#pullrequestreview-{review.id}"
        return {
            "id": review.id,
            "node_id": shapes.node_id("PullRequestReview", review.id),
            "user": shapes.user(api_of(request), review.by),
            "body": "",
            "state": review.state,
            "html_url": web,
            "pull_request_url": own,
            "author_association": "MEMBER",
            "_links": {"html": {"href": web}, "pull_request": {"href": own}},
            "submitted_at": iso_seconds(review.at),
            "commit_id": pull.sha,
        }
