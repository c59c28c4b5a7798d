"""Cloudflare, against its emulator on a clock that the suite moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from console.playground.emulators.cloudflare import ACCOUNT, HOSTNAME, POOLS, ZONE, Cloudflare
from console.playground.emulators.cloudflare_dns import DOMAIN
from providers.cloudflare.adapter import open_connection
from providers.cloudflare.dns import AddDnsRecord, ChangeDnsRecord, DnsRecords, RemoveDnsRecord
from providers.cloudflare.readings import Checks, Health, Servers
from providers.cloudflare.settings import CloudflareSettings, RouteSettings
from providers.cloudflare.switches import DrainTime, OneOrigin, OnePool
from providers.contract import PointName, ShiftTraffic
from providers.opened import Opened
from tests.playground.emulators.world import ManualClock
from tests.providers.cloudflare.document import strangers
from tests.providers.subject import Faults, Wish

__all__ = ["strangers"]

KIND = "cloudflare"
ACTUATORS = ("shift_traffic", "point_name")
ACTIONS = (
    "disable-pool",
    "enable-pool",
    "disable-origin",
    "enable-origin",
    "set-drain-time",
    "add-dns-record",
    "change-dns-record",
    "remove-dns-record",
)
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "weights": lambda can: can.router.fetch_weights(HOSTNAME),
    "sticky": lambda can: can.router.fetch_sticky(HOSTNAME),
    "names": lambda can: can.names.fetch_names(DOMAIN, "shop", "CNAME"),
}
ASKS = {"servers": Servers(), "health": Health("blue"), "checks": Checks(), "dns-records": DnsRecords(DOMAIN)}
SECRET = "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY"
ELSEWHERE = f"iad.{DOMAIN}"
REQUESTS = {
    "point_name": PointName(DOMAIN, "shop", "CNAME", ELSEWHERE),
    "do:add-dns-record": AddDnsRecord(DOMAIN, "A", "new", "192.0.2.1", comment="by hand"),
    "shift_traffic": ShiftTraffic(HOSTNAME, {"blue": 90, "green": 10}),
    "do:disable-pool": OnePool("blue"),
    "do:enable-pool": OnePool("blue"),
    "do:disable-origin": OneOrigin("blue", "blue-1"),
    "do:enable-origin": OneOrigin("blue", "blue-1"),
    "do:set-drain-time": DrainTime(HOSTNAME, timedelta(minutes=5)),
}
AWAY = '"domain":"unknown.example"'
UNKNOWN = {
    "point_name": ("{" + AWAY + ',"name":"shop","ttl":60,"type":"CNAME","value":"iad.example"}', "{}"),
    "do:add-dns-record": ("{" + AWAY + ',"name":"new","type":"A","value":"192.0.2.1"}',),
    "do:change-dns-record": ("{" + AWAY + ',"record":"0","value":"192.0.2.1"}',),
    "do:remove-dns-record": ("{" + AWAY + ',"record":"0"}',),
    "shift_traffic": ('nope@{"blue":90,"green":10}', f'{"0" * 32}@{{"blue":100}}', f"{HOSTNAME}@[]"),
    "do:disable-origin": ('{"pool":"blue","origin":"nope"}', '{"pool":"nope","origin":"blue-1"}'),
    "do:enable-origin": ('{"pool":"blue","origin":"nope"}',),
    "do:set-drain-time": ('{"load_balancer":"nope","lasts":60}',),
}


class CloudflareSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.emulator = Cloudflare(SECRET, self.clock, limit_scale=100)
        self.faults = Faults(httpx.ASGITransport(app=self.emulator.app))

    def open(self) -> Opened:
        settings = CloudflareSettings(
            base_url="http://cloudflare/client/v4",
            token=SECRET,
            account=ACCOUNT,
            zone=ZONE,
            routes={HOSTNAME: RouteSettings()},
        )
        return open_connection("edge", settings, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def finish(self) -> None:
        """Cloudflare has done a change when it answers."""

    async def wish(self, capability: str) -> Wish:
        blue = self.emulator.pools[POOLS["blue"]].body
        if capability == "do:enable-pool":
            blue["enabled"] = False
        if capability == "do:enable-origin":
            blue["origins"][0]["enabled"] = False
        shop = self.emulator.zone.records[0]["id"]
        requests = REQUESTS | {
            "do:change-dns-record": ChangeDnsRecord(DOMAIN, shop, ELSEWHERE, ttl=120),
            "do:remove-dns-record": RemoveDnsRecord(DOMAIN, shop),
        }
        unknown = UNKNOWN.get(capability, ('{"pool":"nope"}',))
        return Wish(requests[capability], lambda: self.emulator.changes, unknown)


@asynccontextmanager
async def subject() -> AsyncIterator[CloudflareSubject]:
    yield CloudflareSubject()
