"""DNS records of a zone that Cloudflare's name servers answer for.

Source: developers.cloudflare.com/api, resource dns/records. Codes and words of refusals are those of real
answers as far as they are public. Several changes are made together or not at all: deletes, patches, posts.
"""

import ipaddress
import secrets
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from console.playground.emulators.clock import Clock, iso
from console.playground.emulators.wire import Refusal

Json = dict[str, Any]

DOMAIN = "harbour-shop.example"
TYPES = frozenset({"A", "AAAA", "CNAME", "MX", "NS", "TXT"})
PROXIABLE = frozenset({"A", "AAAA", "CNAME"})
TAKES = frozenset({"type", "name", "content", "ttl", "proxied", "comment"})
AUTOMATIC = 1
SHORTEST, LONGEST = 60, 86_400


class Zone:
    """Keeps the `records` of one domain, as Cloudflare tells them. It begins with one name, `shop`."""

    def __init__(self, identity: str, clock: Clock) -> None:
        self.id = identity
        self._clock = clock
        self.records: list[Json] = []
        shop = {"type": "CNAME", "name": f"shop.{DOMAIN}", "content": f"fra.{DOMAIN}", "ttl": 300}
        self.change({"posts": [shop]})

    def describe(self) -> Json:
        return {"id": self.id, "name": DOMAIN, "status": "active", "paused": False, "type": "full"}

    def find(self, query: Mapping[str, str]) -> tuple[list[Json], Json]:
        """The records that a query asks for, and which page of them it is."""
        kind, name = query.get("type", ""), query.get("name.exact", "").lower()
        fitting = [one for one in self.records if kind in ("", one["type"]) and name in ("", one["name"])]
        page, size = int(query.get("page", 1)), int(query.get("per_page", 100))
        shown = fitting[(page - 1) * size : page * size]
        pages = -(-len(fitting) // size)
        info = {"page": page, "per_page": size, "count": len(shown), "total_count": len(fitting), "total_pages": pages}
        return shown, info

    def change(self, wish: Json) -> Json:
        """Do all of it, and tell what became of each.

        Raises:
            Refusal: 400, one of them cannot be; then nothing was changed.
        """
        if not set(wish) <= {"deletes", "patches", "posts"}:
            raise Refusal(400, "DNS validation error", "1004")
        kept, self.records = self.records, deepcopy(self.records)
        try:
            deletes = [self._remove(one) for one in wish.get("deletes", [])]
            patches = [self._patch(one) for one in wish.get("patches", [])]
            return {
                "deletes": deletes,
                "patches": patches,
                "puts": [],
                "posts": [*map(self._add, wish.get("posts", []))],
            }
        except Refusal:
            self.records = kept
            raise

    def _remove(self, wish: Json) -> Json:
        found = self._find(wish)
        self.records.remove(found)
        return found

    def _patch(self, wish: Json) -> Json:
        found = self._find(wish)
        changed = _check({**found, **{name: value for name, value in wish.items() if name != "id"}})
        self._check_company(changed)
        found.update(changed, modified_on=iso(self._clock.now()))
        return found

    def _add(self, wish: Json) -> Json:
        if not set(wish) <= TAKES:
            raise Refusal(400, "DNS validation error", "1004")
        now = iso(self._clock.now())
        told: Json = {"created_on": now, "modified_on": now, "meta": {}, "settings": {}, "tags": [], "comment": None}
        made = _check({"id": secrets.token_hex(16), **told, "proxied": False, "ttl": AUTOMATIC, **wish})
        self._check_company(made)
        self.records.append(made)
        return made

    def _find(self, wish: Json) -> Json:
        found = next((one for one in self.records if one["id"] == wish.get("id")), None)
        if found is None:
            raise Refusal(404, "Record does not exist.", "81044")
        return found

    def _check_company(self, wish: Json) -> None:
        """What stands beside a record of that name already."""
        others = [one for one in self.records if one["name"] == wish["name"] and one["id"] != wish["id"]]
        if any((one["type"], one["content"]) == (wish["type"], wish["content"]) for one in others):
            raise Refusal(400, "An identical record already exists.", "81058")
        hosts = {one["type"] for one in others} & PROXIABLE
        if (wish["type"] == "CNAME" and hosts) or (wish["type"] in PROXIABLE and "CNAME" in hosts):
            raise Refusal(400, "An A, AAAA, or CNAME record with that host already exists.", "81053")


def _check(record: Json) -> Json:
    kind, name, ttl = record.get("type"), str(record.get("name") or "").lower(), record.get("ttl")
    if kind not in TYPES:
        raise Refusal(400, "DNS validation error", "1004")
    if name != DOMAIN and not name.endswith(f".{DOMAIN}"):
        name = f"{name}.{DOMAIN}"
    if not isinstance(ttl, int) or (ttl != AUTOMATIC and not SHORTEST <= ttl <= LONGEST):
        raise Refusal(400, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.", "9021")
    proxied = record["proxied"] is True
    if proxied and kind not in PROXIABLE:
        raise Refusal(400, "This record type cannot be proxied.", "9004")
    if not _is_content(str(kind), str(record.get("content") or "")):
        raise Refusal(400, f"Content for {kind} record is invalid.", "9005")
    return {**record, "name": name, "ttl": AUTOMATIC if proxied else ttl, "proxiable": kind in PROXIABLE}


def _is_content(kind: str, content: str) -> bool:
    if kind not in ("A", "AAAA"):
        return bool(content)
    try:
        return ipaddress.ip_address(content).version == (4 if kind == "A" else 6)
    except ValueError:
        return False
