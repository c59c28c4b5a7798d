"""Names that Cloudflare's name servers answer: pointed elsewhere in one transaction, and how long old answers live."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.domain.errors import Rejected
from console.playground.emulators.cloudflare_dns import DOMAIN
from providers.cloudflare.dns import AddDnsRecord, ChangeDnsRecord, DnsRecords
from providers.contract import Actuator, NameSource, OperationKey, OperationStatus, PointName
from tests.providers.cloudflare.document import strangers
from tests.providers.subjects.cloudflare import CloudflareSubject

KEY = OperationKey("d/api.move/1", datetime(2026, 11, 22, tzinfo=UTC))


class World:
    def __init__(self) -> None:
        self.subject = CloudflareSubject()
        self.connection = self.subject.open()
        self.zone = self.subject.emulator.zone
        self.names: NameSource = self.connection.capabilities.names  # type: ignore[assignment]  # offered
        self.point: Actuator[PointName] = self.connection.capabilities.point_name  # type: ignore[assignment]  # offered

    async def said(self, name: str, kind: str = "CNAME") -> list[tuple[str, int | None]]:
        return [(one.value, one.ttl) for one in await self.names.fetch_names(DOMAIN, name, kind)]


@pytest.fixture
async def world() -> World:
    made = World()
    yield made
    await made.connection.close()
    assert strangers(made.subject.faults.sent) == []


class TestGivenAName:
    async def test_when_pointed_elsewhere_then_the_record_is_changed_in_its_place(self, world: World) -> None:
        before = world.zone.records[0]["id"]

        ended = await world.point.start(PointName(DOMAIN, "shop", "CNAME", "iad.example.", ttl=120), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert await world.said("shop") == [("iad.example.", 120)]
        assert ended.outputs["previous"] == [f"fra.{DOMAIN}"]
        assert ended.outputs["previous_ttl_s"] == 300
        assert [one["id"] for one in world.zone.records] == [before]

    async def test_when_it_said_nothing_then_a_record_is_made(self, world: World) -> None:
        await world.point.start(PointName(DOMAIN, "", "A", "192.0.2.1"), KEY)

        assert await world.said("", "A") == [("192.0.2.1", 60)]

    async def test_when_it_said_several_values_then_one_is_left(self, world: World) -> None:
        for value in ("192.0.2.1", "192.0.2.2"):
            wish = AddDnsRecord(DOMAIN, "A", "api", value)
            await world.connection.desk.actions["add-dns-record"].actuator.start(wish, KEY)

        await world.point.start(PointName(DOMAIN, "api", "A", "192.0.2.2", ttl=90), KEY)

        assert await world.said("api", "A") == [("192.0.2.2", 90)]

    async def test_when_it_leads_through_cloudflare_then_it_still_does_and_is_kept_as_long_as_the_manual_says(
        self, world: World
    ) -> None:
        world.zone.records[0].update(proxied=True, ttl=1)

        ended = await world.point.start(PointName(DOMAIN, "shop", "CNAME", "iad.example", ttl=60), KEY)

        assert ended.status is OperationStatus.SUCCEEDED
        assert world.zone.records[0]["proxied"] is True
        assert world.zone.records[0]["ttl"] == 1
        assert await world.said("shop") == [("iad.example", 300)]

    async def test_when_another_type_is_in_the_way_then_nothing_changes_and_cloudflare_is_quoted(
        self, world: World
    ) -> None:
        before = [dict(one) for one in world.zone.records]

        with pytest.raises(Rejected, match="record with that host already exists"):
            await world.point.start(PointName(DOMAIN, "shop", "A", "192.0.2.1"), KEY)

        assert world.zone.records == before

    async def test_when_the_zone_is_not_there_then_the_permissions_are_named(self, world: World) -> None:
        with pytest.raises(Rejected) as caught:
            await world.names.fetch_names("elsewhere.example", "www", "A")

        assert "`Zone Read` and `DNS Write`" in caught.value.remedy


class TestGivenTheDesk:
    async def test_when_a_record_is_changed_then_it_says_what_was_before(self, world: World) -> None:
        wish = ChangeDnsRecord(DOMAIN, world.zone.records[0]["id"], "iad.example", proxied=True)

        ended = await world.connection.desk.actions["change-dns-record"].actuator.start(wish, KEY)

        shown = await world.connection.desk.readings["dns-records"].fetch(DnsRecords(DOMAIN))
        assert [(one.value, one.proxied, one.ttl) for one in shown] == [("iad.example", True, 1)]
        assert ended.outputs["previous"] == f"fra.{DOMAIN}"
