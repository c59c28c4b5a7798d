"""DNS names that say one value, at Cloudflare.

Whatever else a name said is deleted in the same transaction. Whether visitors are led through Cloudflare (proxied)
stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from providers.cloudflare.dns import DnsCalls, DnsRecord, build_record
from providers.pointing import Pointing, name_records, whole_name

if TYPE_CHECKING:
    from providers.contract import NameRecord, PointName


class Names:
    """Obeys `providers.contract.NameSource`; `pointing` is the actuator."""

    def __init__(self, calls: DnsCalls) -> None:
        self._calls = calls
        self.pointing = Pointing(self)

    async def fetch_names(self, domain: str, name: str, kind: str) -> Sequence[NameRecord]:
        zone = await self._calls.need_zone(domain)
        return name_records(await self._calls.fetch(zone, kind, whole_name(domain, name)))

    async def find_records(self, domain: str, name: str, kind: str) -> Sequence[DnsRecord] | None:
        zone = await self._calls.find_zone(domain)
        return await self._calls.fetch(zone, kind, whole_name(domain, name)) if zone else None

    def lives_as_asked(self, record: DnsRecord, request: PointName) -> bool:
        """Proxied records have no time to live of their own."""
        return record.proxied or record.ttl == request.ttl

    async def replace(self, request: PointName, kept: DnsRecord | None, others: Sequence[DnsRecord]) -> None:
        zone, name = await self._calls.need_zone(request.domain), whole_name(request.domain, request.name)
        proxied = kept is not None and kept.proxied
        record = build_record(request.type, name, request.value, request.ttl, proxied=proxied)
        if kept is None:
            await self._calls.change(zone, posts=[record])
        else:
            await self._calls.change(zone, deletes=[one.id for one in others], patches={kept.id: record})
