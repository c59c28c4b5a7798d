"""DNS names that say one value: read, and pointed elsewhere by changing the record that is there.

The record is changed in its place (PATCH), so that there is no moment in which the name says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.contract import NameRecord, PointName
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done
from providers.http import segment
from providers.vercel.client import VercelClient
from providers.vercel.dns import AddDnsRecord, Dns, DnsRecord, DnsRecords


class Names:
    """Obeys `providers.contract.NameSource`; `pointing` is the actuator."""

    def __init__(self, client: VercelClient) -> None:
        self._http = client.http
        self._dns = Dns(client)
        self.pointing = Ensuring(PointName, self._look, self._point)

    async def fetch_names(self, domain: str, name: str, kind: str) -> Sequence[NameRecord]:
        return [NameRecord(one.value, one.ttl) for one in await self._records(domain, name, kind)]

    async def _records(self, domain: str, name: str, kind: str) -> list[DnsRecord]:
        found = await self._dns.fetch(DnsRecords(domain))
        return [one for one in found if (one.type, one.name) == (kind, name)]

    async def _look(self, request: PointName) -> Standing:
        if await self._dns.fetch_or_none(request.domain) is None:
            return UNKNOWN
        now = await self._records(request.domain, request.name, request.type)
        if [_bare(one.value) for one in now] == [_bare(request.value)] and now[0].ttl == request.ttl:
            return done(f"{_name(request)} says {request.value}", record=now[0].id)
        return absent(f"{_name(request)} says {', '.join(one.value for one in now) or 'nothing'}")

    async def _point(self, request: PointName) -> Mapping[str, object]:
        """The outputs are what the name said before."""
        now = await self._records(request.domain, request.name, request.type)
        if now:
            kept = next((one for one in now if _bare(one.value) == _bare(request.value)), now[0])
            body = {"value": request.value, "ttl": request.ttl}
            await self._http.send("PATCH", f"/v1/domains/records/{segment(kept.id)}", json=body)
            for other in (one for one in now if one.id != kept.id):
                path = f"/v2/domains/{segment(request.domain)}/records/{segment(other.id)}"
                await self._http.send("DELETE", path, accept=(404,))
        else:
            await self._dns.add(AddDnsRecord(request.domain, request.type, request.name, request.value, request.ttl))
        return {"previous": [one.value for one in now], "previous_ttl_s": max((one.ttl or 0 for one in now), default=0)}


def _bare(value: str) -> str:
    return value.rstrip(".")


def _name(request: PointName) -> str:
    return f"{request.name}.{request.domain}".removeprefix(".")
