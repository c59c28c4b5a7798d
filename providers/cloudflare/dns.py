"""DNS records of the zones that Cloudflare's name servers answer for: the calls, and the desk's wishes.

Every change goes through Cloudflare's batch, which does all that it is told or nothing of it. Source of names:
developers.cloudflare.com/api, resources zones and dns/records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from providers import wire
from providers.cloudflare.wire import parse_list, unwrap
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done
from providers.pointing import same_value, whole_name

if TYPE_CHECKING:
    from providers.cloudflare.client import CloudflareClient

AUTOMATIC = 1
"""The time to live of a record that leaves it to Cloudflare; a proxied one always does."""
AUTOMATIC_S = 300
"""Seconds that this is. What a proxied record leads to changes within that time, too, says the manual."""
PAGE = 1000

Domain = Annotated[str, "the domain, as example.com: a zone of the account"]
RecordId = Annotated[str, "the record's id, 32 hexadecimal digits"]
Ttl = Annotated[int, "seconds to keep it, 60 to 86400; 1 leaves it to Cloudflare, which is 300"]
Proxied = Annotated[bool, "lead visitors through Cloudflare (orange cloud)"]


@dataclass(frozen=True)
class DnsRecords:
    domain: Domain


@dataclass(frozen=True)
class AddDnsRecord:
    domain: Domain
    type: Annotated[str, "A, AAAA, CNAME, TXT, …"]
    name: Annotated[str, "the subdomain; empty for the domain itself"]
    value: Annotated[str, "what it says"]
    ttl: Ttl = 60
    proxied: Proxied = False
    comment: Annotated[str, "a note beside it"] = ""


@dataclass(frozen=True)
class ChangeDnsRecord:
    domain: Domain
    record: RecordId
    value: Annotated[str, "what it is to say"]
    ttl: Ttl = 60
    proxied: Proxied = False


@dataclass(frozen=True)
class RemoveDnsRecord:
    domain: Domain
    record: RecordId


@dataclass(frozen=True)
class DnsRecord:
    """`name` is the whole name, `ttl` Cloudflare's figure."""

    id: str
    type: str
    name: str
    value: str
    ttl: int
    proxied: bool
    comment: str

    @property
    def kept_s(self) -> int:
        """For how many seconds visitors may be led to what it says after it has changed."""
        return AUTOMATIC_S if self.ttl == AUTOMATIC or self.proxied else self.ttl


def parse_record(node: object) -> DnsRecord:
    return DnsRecord(
        wire.need_text(node, "id"),
        wire.need_text(node, "type"),
        wire.need_text(node, "name"),
        wire.text(node, "content"),
        wire.whole(node, "ttl") or AUTOMATIC,
        wire.flag(node, "proxied") is True,
        wire.text(node, "comment"),
    )


def build_record(kind: str, name: str, value: str, ttl: int, *, proxied: bool = False) -> dict[str, object]:
    """A record as Cloudflare takes it. A proxied one has no time to live of its own."""
    return {"type": kind, "name": name, "content": value, "ttl": AUTOMATIC if proxied else ttl, "proxied": proxied}


class DnsCalls:
    """Zones are looked up once and remembered."""

    def __init__(self, client: CloudflareClient) -> None:
        self.client = client
        self._zones: dict[str, str] = {}

    async def find_zone(self, domain: str) -> str:
        """The zone's id; empty where the token sees no such zone in the account."""
        if domain not in self._zones:
            params = {"name": domain, "account.id": self.client.account}
            found = await self.client.http.fetch("/zones", unwrap(parse_list(_parse_zone)), params)
            self._zones |= {name: identity for name, identity in found if name == domain.lower()}
        return self._zones.get(domain, "")

    async def need_zone(self, domain: str) -> str:
        """The same. Raises Rejected where there is none."""
        zone = await self.find_zone(domain)
        if not zone:
            remedy = "Name a zone of the account; the token needs `Zone Read` and `DNS Write` on it."
            raise self.client.refuse(f"Cloudflare shows no zone {domain!r} here.", "GET /zones", remedy)
        return zone

    async def fetch(self, zone: str, kind: str = "", name: str = "") -> Sequence[DnsRecord]:
        """All records, or those of one type and whole name."""
        records: list[DnsRecord] = []
        page, last = 1, 1
        while page <= last:
            params = {"type": kind or None, "name.exact": name or None, "page": page, "per_page": PAGE}
            more, last = await self.client.http.fetch(f"/zones/{zone}/dns_records", _parse_page, params)
            records += more
            page += 1
        return records

    async def change(
        self,
        zone: str,
        *,
        deletes: Sequence[str] = (),
        patches: Mapping[str, Mapping[str, object]] | None = None,
        posts: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Everything, or nothing: records to delete by id, changes by id, new ones."""
        told = {
            "deletes": [{"id": identity} for identity in deletes],
            "patches": [{"id": identity, **change} for identity, change in (patches or {}).items()],
            "posts": list(posts),
        }
        body = {name: changes for name, changes in told.items() if changes}
        reply = await self.client.http.send("POST", f"/zones/{zone}/dns_records/batch", json=body)
        self.client.http.decode(reply, unwrap(wire.need_table))


class Dns:
    """The desk's reading and actuators. A record that is added is known again by type, name and value."""

    def __init__(self, calls: DnsCalls) -> None:
        self._calls = calls
        self.adding = Ensuring(AddDnsRecord, self._look_at_added, self._add)
        self.changing = Ensuring(ChangeDnsRecord, self._look_at_changed, self._change)
        self.removing = Ensuring(RemoveDnsRecord, self._look_at_removed, self._remove)

    async def fetch(self, request: DnsRecords) -> Sequence[DnsRecord]:
        return await self._calls.fetch(await self._calls.need_zone(request.domain))

    async def _look_at_added(self, request: AddDnsRecord) -> Standing:
        zone = await self._calls.find_zone(request.domain)
        if not zone:
            return UNKNOWN
        found = await self._calls.fetch(zone, request.type, whole_name(request.domain, request.name))
        mine = next((one for one in found if same_value(one.value, request.value)), None)
        return done(f"{_words(mine)} is in force", record=mine.id) if mine else absent()

    async def _add(self, request: AddDnsRecord) -> None:
        name = whole_name(request.domain, request.name)
        record = build_record(request.type, name, request.value, request.ttl, proxied=request.proxied)
        noted = {**record, **({"comment": request.comment} if request.comment else {})}
        await self._calls.change(await self._calls.need_zone(request.domain), posts=[noted])

    async def _look_at_changed(self, request: ChangeDnsRecord) -> Standing:
        found = await self._find(request.domain, request.record)
        if found is None:
            return UNKNOWN
        wanted = build_record(found.type, found.name, request.value, request.ttl, proxied=request.proxied)
        holds = same_value(found.value, request.value)
        holds = holds and (found.ttl, found.proxied) == (wanted["ttl"], wanted["proxied"])
        return done(f"{_words(found)} is in force") if holds else absent(f"it says {_words(found)}")

    async def _change(self, request: ChangeDnsRecord) -> Mapping[str, object]:
        """The outputs are what it was before."""
        zone = await self._calls.need_zone(request.domain)
        before = await self._find(request.domain, request.record)
        if before is None:
            raise self._calls.client.refuse(
                f"Cloudflare has no record {request.record} in {request.domain}.",
                f"GET /zones/{zone}/dns_records",
                "`ask` the reading `dns-records` for what is there.",
            )
        record = build_record(before.type, before.name, request.value, request.ttl, proxied=request.proxied)
        await self._calls.change(zone, patches={before.id: record})
        return {"previous": before.value, "previous_ttl": before.ttl, "previous_proxied": before.proxied}

    async def _look_at_removed(self, request: RemoveDnsRecord) -> Standing:
        if not await self._calls.find_zone(request.domain):
            return UNKNOWN
        found = await self._find(request.domain, request.record)
        return absent(f"{_words(found)} is still there") if found else done(f"{request.record} is gone")

    async def _remove(self, request: RemoveDnsRecord) -> Mapping[str, object]:
        """The outputs are what adding it again takes."""
        before = await self._find(request.domain, request.record)
        if before is None:
            return {}
        await self._calls.change(await self._calls.need_zone(request.domain), deletes=[before.id])
        told = {"type": before.type, "name": before.name, "value": before.value}
        return {**told, "ttl": before.ttl, "proxied": before.proxied}

    async def _find(self, domain: str, record: str) -> DnsRecord | None:
        zone = await self._calls.find_zone(domain)
        found = await self._calls.fetch(zone) if zone else ()
        return next((one for one in found if one.id == record), None)


def _parse_zone(node: object) -> tuple[str, str]:
    return wire.need_text(node, "name"), wire.need_text(node, "id")


def _parse_page(body: object) -> tuple[Sequence[DnsRecord], int]:
    """The records of a page, and how many pages there are."""
    records = unwrap(parse_list(parse_record))(body)
    return records, wire.whole(body, "result_info", "total_pages") or 1


def _words(record: DnsRecord) -> str:
    return f"{record.type} {record.name} {record.value}"
