"""DNS records of the domains that Vercel serves."""

import ipaddress
from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock, millis
from console.playground.emulators.emulator import Tally
from console.playground.emulators.ids import vercel_id
from console.playground.emulators.vercel_app import Frontdoor, paged
from console.playground.emulators.vercel_parts import Json
from console.playground.emulators.vercel_state import USER_ID
from console.playground.emulators.wire import Refusal, as_json, read_object

TEAM_DOMAIN = "harbour.example"
TYPES = ("A", "AAAA", "ALIAS", "CAA", "CNAME", "HTTPS", "MX", "SRV", "TXT", "NS")


@dataclass
class Record:
    id: str
    type: str
    name: str
    value: str
    ttl: int
    priority: int | None
    comment: str
    created_at: float

    def to_json(self) -> Json:
        at = millis(self.created_at)
        told: Json = {
            "id": self.id,
            "slug": f"{self.name or 'root'}-{self.type.lower()}-{self.id[-4:]}",
            "name": self.name,
            "type": self.type,
            "value": self.value,
            "ttl": self.ttl,
            "creator": USER_ID,
            "created": at,
            "updated": at,
            "createdAt": at,
            "updatedAt": at,
        }
        if self.priority is not None:
            told["mxPriority" if self.type == "MX" else "priority"] = self.priority
        if self.comment:
            told["comment"] = self.comment
        return told


class Dns:
    """Keeps `zones` (the records of each domain), and answers what is asked about them."""

    def __init__(self, founded: float, clock: Clock, tally: Tally) -> None:
        self._clock = clock
        self._tally = tally
        first = Record(vercel_id("rec"), "CNAME", "www", "cname.vercel-dns.com.", 60, None, "", founded)
        self.zones: dict[str, list[Record]] = {TEAM_DOMAIN: [first]}

    def routes(self, door: Frontdoor) -> list[Route]:
        return [
            door.route("GET", "/v5/domains/{domain}/records", self._list),
            door.route("GET", "/v4/domains/{domain}/records", self._list),
            door.route("POST", "/v2/domains/{domain}/records", self._add),
            door.route("DELETE", "/v2/domains/{domain}/records/{record}", self._remove),
            door.route("PATCH", "/v1/domains/records/{record}", self._change),
        ]

    def zone(self, request: Request) -> str:
        name = str(request.path_params["domain"])
        if name not in self.zones:
            raise Refusal(404, f"The domain {name} was not found", "not_found")
        return name

    def zone_of(self, hostname: str) -> str:
        """The team's domain that a hostname is in, "" for none."""
        return next((zone for zone in self.zones if hostname == zone or hostname.endswith(f".{zone}")), "")

    def leads(self, hostname: str) -> Literal["A", "CNAME"] | None:
        """How DNS leads a hostname to Vercel; None where it does not."""
        zone = self.zone_of(hostname)
        name = hostname.removesuffix(zone).rstrip(".")
        kinds = {record.type for record in self.zones.get(zone, []) if record.name == name}
        return "CNAME" if "CNAME" in kinds else "A" if "A" in kinds else None

    async def _list(self, request: Request) -> Response:
        records = reversed(self.zones[self.zone(request)])
        return paged(request, "records", [(millis(one.created_at), one.to_json()) for one in records])

    async def _add(self, request: Request) -> Response:
        zone, wish = self.zones[self.zone(request)], await read_object(request)
        made = self._read(wish)
        if any((one.type, one.name, one.value) == (made.type, made.name, made.value) for one in zone):
            raise Refusal(409, "A record with the same name, type and value exists already", "record_conflict")
        if made.type == "CNAME" and any(one.name == made.name for one in zone):
            raise Refusal(409, "A CNAME record cannot stand beside another record of that name", "record_conflict")
        zone.append(made)
        self._tally.add("record")
        return as_json({"uid": made.id, "updated": millis(made.created_at)})

    async def _change(self, request: Request) -> Response:
        wish = await read_object(request)
        places = [(zone, one) for zone, records in self.zones.items() for one in records]
        zone, found = next(((z, one) for z, one in places if one.id == request.path_params["record"]), ("", None))
        if found is None:
            raise Refusal(404, "The DNS record was not found", "not_found")
        told = {"type": found.type, "name": found.name, "value": found.value, "ttl": found.ttl}
        changed = self._read({**told, "mxPriority": found.priority, **wish})
        found.value, found.ttl, found.name = changed.value, changed.ttl, changed.name
        self._tally.add("record_changed")
        shown = {"creator": USER_ID, "domain": zone, "recordType": found.type, "type": "record"}
        return as_json({**shown, "id": found.id, "name": found.name, "value": found.value, "ttl": found.ttl})

    def _read(self, wish: Json) -> Record:
        kind, name, ttl = wish.get("type"), wish.get("name", ""), wish.get("ttl", 60)
        if kind not in TYPES:
            raise Refusal(400, f"Invalid request: `type` should be one of {', '.join(TYPES)}.", "bad_request")
        if not isinstance(ttl, int) or ttl < 60:
            raise Refusal(400, "Invalid request: `ttl` should be >= 60.", "bad_request")
        priority, value = wish.get("mxPriority"), wish.get("value")
        if kind == "SRV":
            parts = wish.get("srv") or {}
            priority = parts.get("priority")
            value = " ".join(str(parts.get(part, "")) for part in ("priority", "weight", "port", "target"))
        elif kind == "HTTPS":
            parts = wish.get("https") or {}
            priority, value = parts.get("priority"), f"{parts.get('priority')} {parts.get('target')}"
        if not isinstance(value, str) or not value or (kind == "MX" and priority is None):
            raise Refusal(400, "Invalid request: missing required property `value`.", "bad_request")
        if kind in ("A", "AAAA"):
            self._check_address(kind, value)
        comment = str(wish.get("comment") or "")
        return Record(vercel_id("rec"), kind, name, value, ttl, priority, comment, self._clock.now())

    def _check_address(self, kind: str, value: str) -> None:
        read = ipaddress.IPv4Address if kind == "A" else ipaddress.IPv6Address
        try:
            read(value)
        except ValueError as error:
            raise Refusal(400, f"Invalid request: `value` should be an address for {kind}.", "bad_request") from error

    async def _remove(self, request: Request) -> Response:
        zone = self.zones[self.zone(request)]
        found = next((one for one in zone if one.id == request.path_params["record"]), None)
        if found is None:
            raise Refusal(404, "The DNS record was not found", "not_found")
        zone.remove(found)
        self._tally.add("record_removed")
        return as_json({})
