"""DNS names that say one value: read, and pointed elsewhere by changing the record that is there.

The record is changed in its place, and whatever else the name said is deleted with it in one transaction. Whether
visitors are led through Cloudflare (proxied) stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.cloudflare.dns import DnsCalls, DnsRecord, build_record, same_value, whole_name
from providers.contract import NameRecord, PointName
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done


class Names:
    """Obeys `providers.contract.NameSource`; `pointing` is the actuator."""

    def __init__(self, calls: DnsCalls) -> None:
        self._calls = calls
        self.pointing = Ensuring(PointName, self._look, self._point)

    async def fetch_names(self, domain: str, name: str, kind: str) -> Sequence[NameRecord]:
        zone = await self._calls.need_zone(domain)
        found = await self._calls.fetch(zone, kind, whole_name(domain, name))
        return [NameRecord(one.value, one.kept_s) for one in found]

    async def _look(self, request: PointName) -> Standing:
        zone = await self._calls.find_zone(request.domain)
        if not zone:
            return UNKNOWN
        name = whole_name(request.domain, request.name)
        now = await self._calls.fetch(zone, request.type, name)
        if len(now) == 1 and same_value(now[0].value, request.value) and _is_kept_so(now[0], request.ttl):
            return done(f"{name} says {request.value}", record=now[0].id)
        return absent(f"{name} says {', '.join(one.value for one in now) or 'nothing'}")

    async def _point(self, request: PointName) -> Mapping[str, object]:
        """The outputs are what the name said before."""
        zone, name = await self._calls.need_zone(request.domain), whole_name(request.domain, request.name)
        now = await self._calls.fetch(zone, request.type, name)
        kept = next((one for one in now if same_value(one.value, request.value)), now[0] if now else None)
        proxied = kept is not None and kept.proxied
        record = build_record(request.type, name, request.value, request.ttl, proxied=proxied)
        if kept is None:
            await self._calls.change(zone, posts=[record])
        else:
            others = [one.id for one in now if one.id != kept.id]
            await self._calls.change(zone, deletes=others, patches={kept.id: record})
        return {"previous": [one.value for one in now], "previous_ttl_s": max((one.kept_s for one in now), default=0)}


def _is_kept_so(record: DnsRecord, ttl: int) -> bool:
    return record.proxied or record.ttl == ttl
