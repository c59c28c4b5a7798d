"""Render's control plane. Base path `/v1`.

Suspending, scaling and deploying act on real processes through `Hosting`. Render takes no idempotency key: every
POST of a deploy makes one, and one more is queued behind a deploy in progress with an empty 202.
"""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Emulator, Tally, Tasks
from console.playground.emulators.limits import Windows
from console.playground.emulators.render_app import Frontdoor
from console.playground.emulators.render_blueprints import Blueprints
from console.playground.emulators.render_datastores import Datastores
from console.playground.emulators.render_deploy_calls import Deploys
from console.playground.emulators.render_deploys import Deployer
from console.playground.emulators.render_domains import Domains
from console.playground.emulators.render_env import Surroundings
from console.playground.emulators.render_estate import OWNER, Estate, found_services, page
from console.playground.emulators.render_jobs import Jobs
from console.playground.emulators.render_livelogs import LiveLogs, no_websocket
from console.playground.emulators.render_readings import Readings
from console.playground.emulators.render_services import Services
from console.playground.emulators.wire import Refusal, as_json
from console.playground.hosting import Hosting
from console.playground.releases import Catalogue
from console.playground.scene import RENDER_OWNER


class Render(Emulator):
    """The emulated Render."""

    def __init__(
        self, hosting: Hosting, releases: Catalogue, token: str, clock: Clock, limit_scale: float = 1.0
    ) -> None:
        tally, self._tasks = Tally(), Tasks()
        self._deployer = Deployer(hosting, releases, clock, self._tasks, tally)
        self.services = found_services(hosting, releases)
        estate = Estate(clock, tally, self._tasks, self._deployer, self.services)
        self._readings = Readings(hosting, clock, self.services)
        self._rooms = (
            Services(estate),
            Deploys(estate),
            Surroundings(estate),
            Domains(estate),
            Jobs(estate),
            Datastores(estate),
            Blueprints(estate),
        )
        windows = Windows(clock, limit_scale)
        super().__init__("render", self._build(Frontdoor(token, clock, windows), clock), tally, windows)

    async def start(self) -> None:
        await asyncio.gather(*(self._deployer.first_live(service) for service in self.services.values()))

    async def stop(self) -> None:
        await self._tasks.cancel()
        await self._deployer.stop(list(self.services.values()))

    def _build(self, door: Frontdoor, clock: Clock) -> Starlette:
        return door.open(
            [
                door.route("GET", "/users", self._user),
                door.route("GET", "/owners", self._owners),
                door.route("GET", "/owners/{owner}", self._owner),
                *(route for room in self._rooms for route in room.routes(door)),
                door.route("GET", "/logs", self._readings.logs),
                door.route("GET", "/logs/values", self._readings.label_values),
                door.route("GET", "/logs/subscribe", no_websocket),
                door.socket("/logs/subscribe", LiveLogs(self._readings, clock).open),
                *(door.route("GET", f"/metrics/{name}", handler) for name, handler in self._readings.metrics().items()),
                door.catch_all(),
            ]
        )

    async def _user(self, _: Request) -> Response:
        return as_json({"email": OWNER["email"], "name": "Quinn Deckhand"})

    async def _owners(self, request: Request) -> Response:
        names = request.query_params.getlist("name")
        found = [OWNER] if not names or OWNER["name"] in names else []
        return page(request, found, "owner", lambda owner: str(owner["id"]), lambda owner: owner)

    async def _owner(self, request: Request) -> Response:
        if request.path_params["owner"] != RENDER_OWNER:
            raise Refusal(404, f"not found: {request.path_params['owner']}")
        return as_json(OWNER)
