"""Vercel's TLS certificates: issued for hostnames in the team's domains, good for ninety days."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.emulator import Tally
from console.playground.emulators.ids import slug
from console.playground.emulators.vercel_app import Frontdoor, paged
from console.playground.emulators.vercel_dns import TEAM_DOMAIN, Dns
from console.playground.emulators.vercel_parts import Json
from console.playground.emulators.wire import Refusal, as_json, read_object

GOOD_FOR_S = 90 * 86_400
FIRST = "cert_4HarbourShopWildcard9Xv6"


@dataclass(frozen=True)
class Certificate:
    id: str
    names: tuple[str, ...]
    created_at: float

    def to_json(self) -> Json:
        return {
            "id": self.id,
            "createdAt": millis(self.created_at),
            "expiresAt": millis(self.created_at + GOOD_FOR_S),
            "autoRenew": True,
            "cns": list(self.names),
        }


class Certificates:
    """Answers what is asked about certificates. There is one from the beginning."""

    def __init__(self, dns: Dns, clock: Clock, tally: Tally) -> None:
        self._dns = dns
        self._clock = clock
        self._tally = tally
        names = (TEAM_DOMAIN, f"*.{TEAM_DOMAIN}")
        self._issued = [Certificate(FIRST, names, clock.now() - GOOD_FOR_S / 3)]

    def routes(self, door: Frontdoor) -> list[Route]:
        return [
            door.route("GET", "/v8/certs", self._list),
            door.route("POST", "/v8/certs", self._issue),
            door.route("GET", "/v8/certs/{certificate}", self._get),
            door.route("DELETE", "/v8/certs/{certificate}", self._remove),
        ]

    async def _list(self, request: Request) -> Response:
        told = [(millis(one.created_at), one.to_json()) for one in reversed(self._issued)]
        return paged(request, "certs", told)

    async def _get(self, request: Request) -> Response:
        return as_json(self._find(request).to_json())

    async def _issue(self, request: Request) -> Response:
        wish = await read_object(request)
        names = wish.get("cns")
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise Refusal(400, "Invalid request: `cns` should name at least one hostname.", "bad_request")
        foreign = [name for name in names if not self._dns.zone_of(name)]
        if foreign:
            raise Refusal(403, f"You don't have access to the domain {foreign[0]}", "forbidden")
        made = Certificate(f"cert_{slug(24)}", tuple(names), self._clock.now())
        self._issued.append(made)
        self._tally.add("certificate")
        return as_json(made.to_json())

    async def _remove(self, request: Request) -> Response:
        self._issued.remove(self._find(request))
        self._tally.add("certificate_removed")
        return as_json({})

    def _find(self, request: Request) -> Certificate:
        for one in self._issued:
            if one.id == request.path_params["certificate"]:
                return one
        raise Refusal(404, "The certificate was not found", "not_found")
