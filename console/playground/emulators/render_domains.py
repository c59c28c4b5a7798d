"""Custom domains. Adding one adds its twin (`www.` in front, or without it), which redirects to it."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import iso
from console.playground.emulators.ids import render_id
from console.playground.emulators.limits import Budget
from console.playground.emulators.render_app import Frontdoor
from console.playground.emulators.render_estate import Estate, page
from console.playground.emulators.render_state import Domain, Json, Service
from console.playground.emulators.wire import Refusal, as_json, empty, many, read_object

VERIFY_S = 1.0
ADDING = Budget(50, 3600)


def counted_domains(_: Request) -> tuple[str, Budget]:
    return "custom domains", ADDING


class Domains:
    """The handlers. Names that end in `.invalid` never verify, all others do within a moment."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self, door: Frontdoor) -> list[Route]:
        domains = "/services/{service}/custom-domains"
        return [
            door.route("GET", domains, self._list),
            door.route("POST", domains, self._create, counted_domains),
            door.route("GET", f"{domains}/{{domain}}", self._get),
            door.route("DELETE", f"{domains}/{{domain}}", self._delete),
            door.route("POST", f"{domains}/{{domain}}/verify", self._verify),
        ]

    async def _list(self, request: Request) -> Response:
        service, names = self._estate.service(request), many(request, "name")
        found = [domain for domain in service.domains if not names or domain.name in names]
        return page(request, found, "customDomain", lambda domain: domain.id, lambda domain: _told(service, domain))

    async def _create(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_object(request)
        name = wish.get("name")
        if not service.has_edge:
            raise Refusal(400, "custom domains are for web services and static sites")
        if not isinstance(name, str) or "." not in name:
            raise Refusal(400, "name must be a domain")
        if any(domain.name == name for other in self._estate.services.values() for domain in other.domains):
            raise Refusal(409, f"the custom domain {name} is already in use")
        fresh = [Domain(render_id("cdm"), name, self._estate.clock.now())]
        if twin := _twin(name):
            fresh.append(Domain(render_id("cdm"), twin, self._estate.clock.now(), redirects_to=name))
        service.domains += fresh
        self._estate.tally.add("domain")
        return as_json([_told(service, domain) for domain in fresh], 201)

    async def _get(self, request: Request) -> Response:
        service = self._estate.service(request)
        return as_json(_told(service, self._domain(service, request)))

    async def _delete(self, request: Request) -> Response:
        service = self._estate.service(request)
        gone = self._domain(service, request)
        service.domains = [one for one in service.domains if one is not gone and one.redirects_to != gone.name]
        self._estate.tally.add("domain")
        return empty(204)

    async def _verify(self, request: Request) -> Response:
        service = self._estate.service(request)
        domain = self._domain(service, request)
        if not domain.verified and not domain.is_checking:
            domain.is_checking = True
            self._estate.tally.add("verify")
            self._estate.tasks.begin(self._check(domain))
        return empty(202)

    async def _check(self, domain: Domain) -> None:
        await self._estate.clock.sleep(VERIFY_S)
        domain.verified, domain.is_checking = not domain.name.endswith(".invalid"), False

    def _domain(self, service: Service, request: Request) -> Domain:
        wanted = request.path_params["domain"]
        for domain in service.domains:
            if wanted in (domain.id, domain.name):
                return domain
        raise Refusal(404, f"not found: {wanted}")


def _twin(name: str) -> str:
    """The name that Render adds by itself: only to an apex and to its `www.`."""
    if name.startswith("www."):
        return name.removeprefix("www.")
    return f"www.{name}" if name.count(".") == 1 else ""


def _told(service: Service, domain: Domain) -> Json:
    return {
        "id": domain.id,
        "name": domain.name,
        "domainType": "apex" if domain.name.count(".") == 1 else "subdomain",
        "publicSuffix": domain.name.rpartition(".")[2],
        "redirectForName": domain.redirects_to,
        "verificationStatus": "verified" if domain.verified else "unverified",
        "createdAt": iso(domain.created_at),
        "server": {"id": service.id, "name": service.name},
    }
