"""DNS names that say one value, at Vercel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from providers.http import segment
from providers.pointing import Pointing, name_records
from providers.vercel.dns import AddDnsRecord, Dns, DnsRecord, DnsRecords

if TYPE_CHECKING:
    from providers.contract import NameRecord, PointName
    from providers.vercel.client import VercelClient


class Names:
    """Obeys `providers.contract.NameSource`; `pointing` is the actuator."""

    def __init__(self, client: VercelClient) -> None:
        self._http = client.http
        self._dns = Dns(client)
        self.pointing = Pointing(self)

    async def fetch_names(self, domain: str, name: str, kind: str) -> Sequence[NameRecord]:
        return name_records(_of(await self._dns.fetch(DnsRecords(domain)), name, kind))

    async def find_records(self, domain: str, name: str, kind: str) -> Sequence[DnsRecord] | None:
        found = await self._dns.fetch_or_none(domain)
        return None if found is None else _of(found, name, kind)

    def lives_as_asked(self, record: DnsRecord, request: PointName) -> bool:
        return record.ttl == request.ttl

    async def replace(self, request: PointName, kept: DnsRecord | None, others: Sequence[DnsRecord]) -> None:
        if kept is None:
            await self._dns.add(AddDnsRecord(request.domain, request.type, request.name, request.value, request.ttl))
            return
        body = {"value": request.value, "ttl": request.ttl}
        await self._http.send("PATCH", f"/v1/domains/records/{segment(kept.id)}", json=body)
        for other in others:
            path = f"/v2/domains/{segment(request.domain)}/records/{segment(other.id)}"
            await self._http.send("DELETE", path, accept=(404,))


def _of(records: Sequence[DnsRecord], name: str, kind: str) -> Sequence[DnsRecord]:
    return [one for one in records if (one.type, one.name) == (kind, name)]
