"""What every part of the emulated Render works on: the services, the clock, the count of changes, paged lists."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import Clock, parse_iso
from console.playground.emulators.emulator import Tally, Tasks
from console.playground.emulators.render_deploys import Deployer
from console.playground.emulators.render_state import Json, Service
from console.playground.emulators.wire import Refusal, after_cursor, as_json, cursor_for, whole
from console.playground.hosting import Hosting
from console.playground.releases import Catalogue
from console.playground.scene import RENDER_OWNER, REPOSITORY, SERVICES, PlatformService

T = TypeVar("T")
OWNER: Json = {"id": RENDER_OWNER, "name": "Harbour Shop", "email": "ops@harbour.example", "type": "team"}
TYPES = {"api": "web_service", "worker": "background_worker"}
DOCS = PlatformService("srv-d4docs0k7v1c9m2e5fg0", "docs", "render", "frontend", "production", "docs")
SEARCH = PlatformService("srv-d4find0k7v1c9m2e5fg0", "search", "render", "worker", "production", "search")
REPORT = PlatformService("crn-d4rept0k7v1c9m2e5fg0", "nightly-report", "render", "worker", "production", "report")


@dataclass
class Estate:
    """The workspace. The shop's own services run as real processes; a site, a search and a cron job are only told."""

    clock: Clock
    tally: Tally
    tasks: Tasks
    deployer: Deployer
    services: dict[str, Service]

    def service(self, request: Request) -> Service:
        return self.find(request.path_params["service"])

    def find(self, service: str) -> Service:
        found = self.services.get(service)
        if found is None:
            raise Refusal(404, f"not found: {service}")
        return found

    def told(self, service: Service) -> Json:
        return service.to_json(RENDER_OWNER, REPOSITORY)

    def touch(self, service: Service, change: str) -> None:
        """Count a change and date the service."""
        service.updated_at = self.clock.now()
        self.tally.add(change)


def found_services(hosting: Hosting, releases: Catalogue) -> dict[str, Service]:
    """Every service as it is in the beginning."""
    founded = releases.first.created_at.timestamp()
    hosted = [
        Service(
            cast, hosting.url_of(cast.name), founded, founded, type=TYPES[cast.role], suspended=cast.starts_suspended
        )
        for cast in SERVICES
        if cast.platform == "render"
    ]
    told = [
        Service(DOCS, "https://docs.onrender.com", founded, founded, type="static_site", hosted=False),
        Service(SEARCH, "search:10000", founded, founded, type="private_service", hosted=False),
        Service(REPORT, "", founded, founded, type="cron_job", hosted=False, schedule="0 3 * * *"),
    ]
    told[1].image = "docker.io/acme/search:1.4.0"
    return {service.id: service for service in (*hosted, *told)}


def page(
    request: Request, items: Sequence[T], name: str, key: Callable[[T], str], told: Callable[[T], Json]
) -> Response:
    """One page of a list in Render's wrapping, `[{"<name>": {...}, "cursor": "..."}]`."""
    limit = whole(request, "limit", 20, 1, 100)
    rows = after_cursor(items, request.query_params.get("cursor", ""), key)[:limit]
    return as_json([{name: told(item), "cursor": cursor_for(key(item))} for item in rows])


def moment(request: Request, name: str) -> float | None:
    """A time of the query as Unix seconds; None without one."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        return parse_iso(text)
    except ValueError as error:
        raise Refusal(400, f"invalid {name}") from error
