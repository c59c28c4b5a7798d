"""GitHub's API for the product's repository: code, checks, deployments, issues, releases, and the caller's limits."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Emulator, Tally
from console.playground.emulators.github_actions import Actions
from console.playground.emulators.github_alerts import Alerts
from console.playground.emulators.github_app import Frontdoor, api_of, paged
from console.playground.emulators.github_checks import CheckRuns
from console.playground.emulators.github_code import Code
from console.playground.emulators.github_deployments import Deployments
from console.playground.emulators.github_environments import Environments
from console.playground.emulators.github_installation import Installation
from console.playground.emulators.github_releases import Releases
from console.playground.emulators.github_review import Reviewing
from console.playground.emulators.github_talk import Talk
from console.playground.emulators.limits import Windows
from console.playground.emulators.wire import as_json
from console.playground.releases import Catalogue
from console.playground.scene import REPOSITORY


class GitHub(Emulator):
    """The emulated GitHub."""

    def __init__(self, releases: Catalogue, token: str, clock: Clock, limit_scale: float = 1.0) -> None:
        self._door = Frontdoor(token, clock, Windows(clock, limit_scale))
        tally = Tally()
        self.code = Code(REPOSITORY, releases, clock, tally)
        self.environments = Environments(self.code, clock, tally)
        self.deployments = Deployments(self.code, self.environments, clock, tally)
        self.talk = Talk(self.code, clock, tally)
        self.releases = Releases(self.code, clock, tally)
        self.actions = Actions(self.code, self.environments, clock, tally)
        self.alerts = Alerts(self.code)
        self.checks = CheckRuns(self.code, self._door, clock, tally)
        self.installation = Installation(self.code, self._door, clock)
        self.review = Reviewing(self.code, clock)
        super().__init__("github", self._build(), tally, self._door.windows)

    def _build(self) -> Starlette:
        door = self._door
        return Starlette(
            routes=[
                door.route("GET", "/user", self._user),
                door.route("GET", "/user/repos", self._own_repositories),
                door.route("GET", "/rate_limit", self._rate_limit, costs_quota=False),
                door.route("GET", "/meta", self._meta),
                door.route("GET", "/repos/{owner}/{repo}", self._repository),
                *self.actions.routes(door),
                *self.alerts.routes(door),
                *self.installation.routes(),
                *self.checks.routes(),
                *self.review.routes(door),
                *self.code.routes(door),
                *self.deployments.routes(door),
                *self.environments.routes(door),
                *self.talk.routes(door),
                *self.releases.routes(door),
                door.catch_all(),
            ]
        )

    async def _user(self, request: Request) -> Response:
        return as_json(shapes.own_user(api_of(request), self.code.releases.first.created_at.timestamp()))

    async def _rate_limit(self, _: Request) -> Response:
        spent = self._door.primary()
        core = {
            "limit": spent.limit,
            "remaining": spent.remaining,
            "reset": int(spent.resets_at),
            "used": spent.used,
        }
        search: dict[str, Any] = {"limit": 30, "remaining": 30, "reset": int(spent.resets_at), "used": 0}
        return as_json({"resources": {"core": core, "search": search}, "rate": core})

    async def _meta(self, _: Request) -> Response:
        return as_json({"verifiable_password_authentication": False})

    async def _own_repositories(self, request: Request) -> Response:
        return paged(request, [self._told(request)])

    async def _repository(self, request: Request) -> Response:
        self.code.own(request)
        return as_json(self._told(request))

    def _told(self, request: Request) -> dict[str, Any]:
        first, main = self.code.releases.first, self.code.releases.main
        founded, pushed = first.created_at.timestamp(), main.created_at.timestamp()
        return shapes.repository(api_of(request), self.code.full_name, founded, pushed, self.talk.open_issues)
