"""A DNS name of Vercel's is pointed elsewhere in its place, and says nothing else afterwards."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.playground.emulators.vercel_dns import TEAM_DOMAIN
from providers.contract import Actuator, NameSource, OperationKey, PointName
from tests.providers.subjects.vercel import VercelSubject

KEY = OperationKey("d/api.move/1", datetime(2026, 11, 22, tzinfo=UTC))


class World:
    def __init__(self, subject: VercelSubject) -> None:
        self.subject = subject
        can = subject.open().capabilities
        self.names: NameSource = can.names  # type: ignore[assignment]  # offered
        self.point: Actuator[PointName] = can.point_name  # type: ignore[assignment]  # offered

    async def said(self, name: str, kind: str = "CNAME") -> list[tuple[str, int | None]]:
        return [(one.value, one.ttl) for one in await self.names.fetch_names(TEAM_DOMAIN, name, kind)]


@pytest.fixture
async def world() -> World:
    return World(VercelSubject())


class TestGivenAName:
    async def test_when_pointed_elsewhere_then_the_record_is_changed_in_its_place(self, world: World) -> None:
        before = world.subject.emulator.dns.zones[TEAM_DOMAIN][0].id

        ended = await world.point.start(PointName(TEAM_DOMAIN, "www", "CNAME", "iad.example", ttl=120), KEY)

        assert await world.said("www") == [("iad.example", 120)]
        assert ended.outputs["previous"] == ["cname.vercel-dns.com."]
        assert [one.id for one in world.subject.emulator.dns.zones[TEAM_DOMAIN]] == [before]

    async def test_when_it_said_nothing_then_a_record_is_made(self, world: World) -> None:
        await world.point.start(PointName(TEAM_DOMAIN, "api", "A", "192.0.2.1"), KEY)

        assert await world.said("api", "A") == [("192.0.2.1", 60)]

    async def test_when_it_said_several_values_then_one_is_left(self, world: World) -> None:
        for value in ("192.0.2.1", "192.0.2.2"):
            body = {"type": "A", "name": "api", "value": value, "ttl": 60}
            await world.subject.call("POST", f"/v2/domains/{TEAM_DOMAIN}/records", body)

        await world.point.start(PointName(TEAM_DOMAIN, "api", "A", "192.0.2.9"), KEY)

        assert await world.said("api", "A") == [("192.0.2.9", 60)]
