"""The repository itself: branches, tags, commits, files, comparisons, checks of a commit, releases.

Everything is read from the release catalogue; its releases are one straight line of commits, oldest first.
"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.emulator import Tally
from console.playground.emulators.github_app import Frontdoor, api_of, invalid, paged
from console.playground.emulators.wire import Refusal, as_json, read_object
from console.playground.releases import Catalogue, Release

Json = dict[str, Any]
CHECKS = ("lint", "test")
STATES = ("error", "failure", "pending", "success")


@dataclass
class CommitStatus:
    """One status that was set on a commit; the newest of a context counts."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    at: float


class Code:
    """Answers what is asked about the repository's code."""

    def __init__(self, full_name: str, releases: Catalogue, clock: Clock, tally: Tally) -> None:
        self.full_name = full_name
        self.releases = releases
        self._clock = clock
        self._tally = tally
        self._order = list(releases.releases)
        self.statuses: list[CommitStatus] = []
        for number, release in enumerate(self._order):
            at = release.created_at.timestamp() + 300
            status = CommitStatus(7_000 + number, release.commit, "success", "ci/build", "The build passed", None, at)
            self.statuses.insert(0, status)

    def routes(self, door: Frontdoor) -> list[Route]:
        repo = "/repos/{owner}/{repo}"
        return [
            door.route("GET", f"{repo}/branches", self._branches),
            door.route("GET", f"{repo}/branches/{{branch:path}}", self._branch),
            door.route("GET", f"{repo}/tags", self._tags),
            door.route("GET", f"{repo}/git/ref/{{ref:path}}", self._ref),
            door.route("GET", f"{repo}/git/matching-refs/{{ref:path}}", self._matching_refs),
            door.route("GET", f"{repo}/git/commits/{{sha}}", self._git_commit),
            door.route("GET", f"{repo}/commits", self._commits),
            door.route("GET", f"{repo}/commits/{{ref:path}}/status", self._combined),
            door.route("GET", f"{repo}/commits/{{ref:path}}/statuses", self._list_statuses),
            door.route("GET", f"{repo}/commits/{{ref:path}}", self._commit),
            door.route("POST", f"{repo}/statuses/{{sha}}", self._set_status),
            door.route("GET", f"{repo}/compare/{{basehead:path}}", self._compare),
            door.route("GET", f"{repo}/contents/{{path:path}}", self._contents),
            door.route("GET", f"{repo}/contents", self._contents),
        ]

    def find(self, request: Request, ref: str) -> Release:
        """Find what a branch, tag or commit points at.

        Raises:
            Refusal: 404 for another repository, 422 for a ref that does not exist.
        """
        self.own(request)
        release = self.releases.find(ref.removeprefix("heads/"))
        if release is None:
            raise Refusal(422, f"No commit found for SHA: {ref}", errors=[])
        return release

    def own(self, request: Request) -> None:
        """Refuse every repository but the product's."""
        asked = f"{request.path_params['owner']}/{request.path_params['repo']}"
        if asked.lower() != self.full_name.lower():
            raise Refusal(404, "Not Found")

    def is_behind_main(self, release: Release) -> bool:
        return self._order.index(release) < self._order.index(self.releases.main)

    def contexts(self, release: Release) -> dict[str, str]:
        """The state of each context of a commit, checks included."""
        states = {status.context: status.state for status in self._latest(release)}
        return {**dict.fromkeys(CHECKS, "success"), **states}

    def commit(self, request: Request, release: Release) -> Json:
        return shapes.commit(api_of(request), self.full_name, release, self._parent(release))

    def _parent(self, release: Release) -> Release | None:
        position = self._order.index(release)
        return self._order[position - 1] if position else None

    def _at(self, request: Request) -> str:
        return f"{api_of(request)}/repos/{self.full_name}"

    async def _branches(self, request: Request) -> Response:
        self.own(request)
        if request.query_params.get("protected") == "true":
            return paged(request, [])
        sha = self.releases.main.commit
        link = {"sha": sha, "url": f"{self._at(request)}/commits/{sha}"}
        return paged(request, [{"name": "main", "commit": link, "protected": False}])

    def _need_branch(self, request: Request) -> None:
        self.own(request)
        if request.path_params["branch"] != "main":
            raise Refusal(404, "Branch not found")

    async def _branch(self, request: Request) -> Response:
        self._need_branch(request)
        at = self._at(request)
        return as_json(
            {
                "name": "main",
                "commit": self.commit(request, self.releases.main),
                "_links": {"self": f"{at}/branches/main", "html": f"https://github.com/{self.full_name}/tree/main"},
                "protected": False,
                "protection": {
                    "enabled": False,
                    "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
                },
                "protection_url": f"{at}/branches/main/protection",
            }
        )

    async def _tags(self, request: Request) -> Response:
        self.own(request)
        at = self._at(request)
        tags = [
            {
                "name": release.name,
                "commit": {"sha": release.commit, "url": f"{at}/commits/{release.commit}"},
                "zipball_url": f"{at}/zipball/refs/tags/{release.name}",
                "tarball_url": f"{at}/tarball/refs/tags/{release.name}",
                "node_id": shapes.node_id("Ref", release.name),
            }
            for release in reversed(self._order)
        ]
        return paged(request, tags)

    def _refs(self, request: Request) -> list[Json]:
        at = self._at(request)
        named = [("refs/heads/main", self.releases.main.commit)]
        named += [(f"refs/tags/{release.name}", release.commit) for release in self._order]
        return [
            {
                "ref": name,
                "node_id": shapes.node_id("Ref", name),
                "url": f"{at}/git/{name}",
                "object": {"type": "commit", "sha": sha, "url": f"{at}/git/commits/{sha}"},
            }
            for name, sha in named
        ]

    async def _ref(self, request: Request) -> Response:
        self.own(request)
        wanted = f"refs/{request.path_params['ref']}"
        for ref in self._refs(request):
            if ref["ref"] == wanted:
                return as_json(ref)
        raise Refusal(404, "Not Found")

    async def _matching_refs(self, request: Request) -> Response:
        self.own(request)
        wanted = f"refs/{request.path_params['ref']}"
        return as_json([ref for ref in self._refs(request) if ref["ref"].startswith(wanted)])

    async def _git_commit(self, request: Request) -> Response:
        self.own(request)
        release = self.releases.find(request.path_params["sha"])
        if release is None or release.commit != request.path_params["sha"]:
            raise Refusal(404, "Not Found")
        full = self.commit(request, release)
        inner = full["commit"]
        kept = {key: inner[key] for key in ("url", "author", "committer", "message", "tree", "verification")}
        links = {key: full[key] for key in ("sha", "node_id", "html_url", "parents")}
        return as_json({**kept, **links})

    async def _commits(self, request: Request) -> Response:
        head = self.find(request, request.query_params.get("sha") or "main")
        line = self._order[: self._order.index(head) + 1]
        return paged(request, [self.commit(request, release) for release in reversed(line)])

    async def _commit(self, request: Request) -> Response:
        release = self.find(request, request.path_params["ref"])
        if "application/vnd.github.sha" in request.headers.get("accept", ""):
            return Response(release.commit, media_type="application/vnd.github.sha")
        files = shapes.changed_files(api_of(request), self.full_name, self._parent(release), release)
        added, gone = sum(one["additions"] for one in files), sum(one["deletions"] for one in files)
        stats = {"additions": added, "deletions": gone, "total": added + gone}
        return as_json({**self.commit(request, release), "stats": stats, "files": files})

    async def _compare(self, request: Request) -> Response:
        base_ref, dots, head_ref = request.path_params["basehead"].partition("...")
        self.own(request)
        base, head = self.releases.find(base_ref), self.releases.find(head_ref)
        if not dots or base is None or head is None:
            raise Refusal(404, "Not Found")
        start, end = self._order.index(base), self._order.index(head)
        ahead = self._order[start + 1 : end + 1]
        api, web = api_of(request), f"https://github.com/{self.full_name}/compare/{base_ref}...{head_ref}"
        return as_json(
            {
                "url": f"{self._at(request)}/compare/{base_ref}...{head_ref}",
                "html_url": web,
                "permalink_url": f"https://github.com/{self.full_name}/compare/{base.commit}...{head.commit}",
                "diff_url": f"{web}.diff",
                "patch_url": f"{web}.patch",
                "base_commit": self.commit(request, base),
                "merge_base_commit": self.commit(request, self._order[min(start, end)]),
                "status": "identical" if start == end else "ahead" if end > start else "behind",
                "ahead_by": max(0, end - start),
                "behind_by": max(0, start - end),
                "total_commits": len(ahead),
                "commits": [self.commit(request, release) for release in ahead],
                "files": shapes.changed_files(api, self.full_name, base, head) if ahead else [],
            }
        )

    async def _contents(self, request: Request) -> Response:
        self.own(request)
        ref = request.query_params.get("ref") or "main"
        release, path = self.releases.find(ref), request.path_params.get("path", "").strip("/")
        if release is None:
            raise Refusal(404, f"No commit found for the ref {ref}")
        files, api = release.files(), api_of(request)
        if path in files:
            entry = shapes.content(api, self.full_name, ref, path, files[path])
            return as_json(shapes.with_text(entry, files[path]))
        below = f"{path}/" if path else ""
        names = sorted({name[len(below) :].partition("/")[0] for name in files if name.startswith(below)})
        if not names:
            raise Refusal(404, "Not Found")
        entries = [shapes.content(api, self.full_name, ref, below + name, files.get(below + name)) for name in names]
        return as_json(entries)

    def _latest(self, release: Release) -> list[CommitStatus]:
        newest: dict[str, CommitStatus] = {}
        for status in self.statuses:
            if status.sha == release.commit:
                newest.setdefault(status.context, status)
        return list(newest.values())

    def _status_json(self, request: Request, status: CommitStatus) -> Json:
        return {
            "url": f"{self._at(request)}/statuses/{status.sha}",
            "avatar_url": shapes.user(api_of(request))["avatar_url"],
            "id": status.id,
            "node_id": shapes.node_id("StatusContext", status.id),
            "state": status.state,
            "description": status.description,
            "target_url": status.target_url,
            "context": status.context,
            "created_at": iso_seconds(status.at),
            "updated_at": iso_seconds(status.at),
        }

    async def _combined(self, request: Request) -> Response:
        release = self._checked(request)
        latest, at = self._latest(release), self._at(request)
        states = {status.state for status in latest}
        bad, doubtful = states & {"error", "failure"}, "pending" in states or not states
        return as_json(
            {
                "state": "failure" if bad else "pending" if doubtful else "success",
                "statuses": [self._status_json(request, status) for status in latest],
                "sha": release.commit,
                "total_count": len(latest),
                "repository": shapes.minimal_repository(api_of(request), self.full_name),
                "commit_url": f"{at}/commits/{release.commit}",
                "url": f"{at}/commits/{release.commit}/status",
            }
        )

    def _checked(self, request: Request) -> Release:
        self.own(request)
        release = self.releases.find(request.path_params["ref"])
        if release is None:
            raise Refusal(404, "Not Found")
        return release

    async def _list_statuses(self, request: Request) -> Response:
        release = self._checked(request)
        told = [
            {**self._status_json(request, status), "creator": shapes.user(api_of(request))}
            for status in self.statuses
            if status.sha == release.commit
        ]
        return paged(request, told)

    async def _set_status(self, request: Request) -> Response:
        self.own(request)
        wish, sha = await read_object(request), request.path_params["sha"]
        release = self.releases.find(sha)
        if release is None or release.commit != sha:
            raise Refusal(422, f"No commit found for SHA: {sha}", errors=[])
        if wish.get("state") not in STATES:
            raise invalid("Status", "state", "custom", "state is not included in the list")
        if len(wish.get("description") or "") > 140:
            raise invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)")
        status = CommitStatus(
            id=8_000 + len(self.statuses),
            sha=sha,
            state=wish["state"],
            context=wish.get("context") or "default",
            description=wish.get("description"),
            target_url=wish.get("target_url"),
            at=self._clock.now(),
        )
        self.statuses.insert(0, status)
        self._tally.add("commit_status")
        return as_json({**self._status_json(request, status), "creator": shapes.user(api_of(request))}, 201)
