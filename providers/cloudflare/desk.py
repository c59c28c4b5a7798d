"""Everything that people do at Cloudflare by hand, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.cloudflare.dns import (
    AddDnsRecord,
    ChangeDnsRecord,
    Dns,
    DnsCalls,
    DnsRecords,
    RemoveDnsRecord,
)
from providers.cloudflare.readings import BalancerReader, Checks, Health, Servers
from providers.cloudflare.switches import (
    DrainTime,
    OneOrigin,
    OnePool,
    make_drain_time,
    make_origin_switch,
    make_pool_switch,
)
from providers.cloudflare.traffic import NO_COUNTERS, Routes
from providers.contract import Action, Desk, Reading

if TYPE_CHECKING:
    from providers.cloudflare.client import CloudflareClient
    from providers.cloudflare.settings import CloudflareSettings


def build_desk(client: CloudflareClient, settings: CloudflareSettings) -> Desk:
    reader, dns = BalancerReader(client, Routes(client, settings)), Dns(DnsCalls(client))
    return Desk(
        readings={
            "servers": Reading(
                "Load balancers with their pools, origins, weights and health.", Servers, reader.fetch_servers
            ),
            "health": Reading("What Cloudflare's checks say of a pool, by data centre.", Health, reader.fetch_health),
            "checks": Reading("What would upset a rollout here.", Checks, reader.fetch_checks),
            "requests": NO_COUNTERS,
            "dns-records": Reading("What the name servers say of a domain.", DnsRecords, dns.fetch),
        },
        actions={
            "disable-pool": Action("Send nobody to a pool any more.", OnePool, make_pool_switch(client, False), True),
            "enable-pool": Action("Let a pool serve again.", OnePool, make_pool_switch(client, True)),
            "disable-origin": Action(
                "Take an origin out; visitors who stick to it stay for the drain time.",
                OneOrigin,
                make_origin_switch(client, False),
                True,
            ),
            "enable-origin": Action("Let an origin serve again.", OneOrigin, make_origin_switch(client, True)),
            "set-drain-time": Action(
                "Say how long visitors may stay at an origin that went off.", DrainTime, make_drain_time(client)
            ),
            "add-dns-record": Action("Let a name say something more.", AddDnsRecord, dns.adding),
            "change-dns-record": Action("Let a record say something else.", ChangeDnsRecord, dns.changing, True),
            "remove-dns-record": Action("Take a DNS record away.", RemoveDnsRecord, dns.removing, True),
        },
    )
