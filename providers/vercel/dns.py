"""DNS records of a domain that Vercel's name servers answer for, at the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from providers import wire
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done
from providers.http import segment

if TYPE_CHECKING:
    from providers.vercel.client import VercelClient

Domain = Annotated[str, "the domain, as example.com"]
COMPOSED = ("SRV", "HTTPS")
"""Types whose value Vercel takes in parts and tells as one text."""


@dataclass(frozen=True)
class DnsRecords:
    domain: Domain


@dataclass(frozen=True)
class AddDnsRecord:
    domain: Domain
    type: Annotated[str, "A, AAAA, ALIAS, CAA, CNAME, HTTPS, MX, SRV, TXT or NS"]
    name: Annotated[str, "the subdomain; empty for the domain itself"]
    value: Annotated[str, "what it says; the target host for MX, SRV and HTTPS"]
    ttl: Annotated[int, "seconds to keep it, 60 at least"] = 60
    priority: Annotated[int, "for MX, SRV and HTTPS"] = 10
    weight: Annotated[int, "for SRV"] = 0
    port: Annotated[int, "for SRV"] = 0
    comment: Annotated[str, "a note beside it"] = ""


@dataclass(frozen=True)
class RemoveDnsRecord:
    domain: Domain
    record: Annotated[str, "the record's id, rec_…"]


@dataclass(frozen=True)
class DnsRecord:
    """`type` keeps Vercel's word."""

    id: str
    type: str
    name: str
    value: str
    ttl: int | None
    priority: int | None
    comment: str

    @property
    def kept_s(self) -> int | None:
        """For how many seconds resolvers may keep it."""
        return self.ttl


def parse_record(row: object) -> DnsRecord:
    return DnsRecord(
        wire.need_text(row, "id"),
        wire.text(row, "type") or wire.text(row, "recordType"),
        wire.text(row, "name"),
        wire.text(row, "value"),
        wire.whole(row, "ttl"),
        wire.whole(row, "mxPriority") if wire.pick(row, "mxPriority") is not None else wire.whole(row, "priority"),
        wire.text(row, "comment"),
    )


class Dns:
    """The reading and the actuators. A record is known again by type, name and value: Vercel keeps one of each."""

    def __init__(self, client: VercelClient) -> None:
        self._client = client
        self._http = client.http
        self.adding = Ensuring(AddDnsRecord, self._look_at_added, self.add)
        self.removing = Ensuring(RemoveDnsRecord, self._look_at_removed, self._remove)

    async def fetch(self, request: DnsRecords) -> Sequence[DnsRecord]:
        return await self._client.fetch_pages(
            f"/v5/domains/{segment(request.domain)}/records",
            lambda body: [parse_record(row) for row in wire.need_items(body, "records")],
        )

    async def fetch_or_none(self, domain: str) -> Sequence[DnsRecord] | None:
        """The records; None for a domain that the team does not have."""
        known = await self._http.fetch_or_none(f"/v5/domains/{segment(domain)}", wire.need_table)
        return None if known is None else await self.fetch(DnsRecords(domain))

    async def _look_at_added(self, request: AddDnsRecord) -> Standing:
        records = await self.fetch_or_none(request.domain)
        if records is None:
            return UNKNOWN
        mine = next((one for one in records if _is(one, request)), None)
        return done(f"{_words(mine)} is in force", record=mine.id) if mine else absent()

    async def add(self, request: AddDnsRecord) -> None:
        await self._http.send("POST", f"/v2/domains/{segment(request.domain)}/records", json=_body(request))

    async def _look_at_removed(self, request: RemoveDnsRecord) -> Standing:
        records = await self.fetch_or_none(request.domain)
        if records is None:
            return UNKNOWN
        is_there = any(one.id == request.record for one in records)
        return absent(f"{request.record} is still there") if is_there else done(f"{request.record} is gone")

    async def _remove(self, request: RemoveDnsRecord) -> Mapping[str, object]:
        """The outputs are what adding it again takes."""
        before = next(one for one in await self.fetch(DnsRecords(request.domain)) if one.id == request.record)
        path = f"/v2/domains/{segment(request.domain)}/records/{segment(request.record)}"
        await self._http.send("DELETE", path, accept=(404,))
        return {"type": before.type, "name": before.name, "value": before.value, "ttl": before.ttl}


def _is(record: DnsRecord, request: AddDnsRecord) -> bool:
    if (record.type, record.name) != (request.type, request.name):
        return False
    said, wanted = record.value.rstrip("."), request.value.rstrip(".")
    return said == wanted or (request.type in COMPOSED and wanted in (part.rstrip(".") for part in said.split()))


def _body(request: AddDnsRecord) -> Mapping[str, object]:
    told: dict[str, object] = {"type": request.type, "name": request.name, "ttl": request.ttl}
    if request.type == "SRV":
        parts = {"priority": request.priority, "weight": request.weight, "port": request.port}
        told["srv"] = {**parts, "target": request.value}
    elif request.type == "HTTPS":
        told["https"] = {"priority": request.priority, "target": request.value}
    else:
        told["value"] = request.value
    if request.type == "MX":
        told["mxPriority"] = request.priority
    if request.comment:
        told["comment"] = request.comment
    return told


def _words(record: DnsRecord) -> str:
    return f"{record.type} {record.name or '@'} {record.value}"
