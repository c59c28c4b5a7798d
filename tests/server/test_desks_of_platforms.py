"""The desks that the adapters really have, as the worker offers them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.domain.exchange import DeskWish
from console.domain.ids import Actor
from console.server.catalogue import describe_provider
from console.server.desk import FrontDesk
from providers.contract import Action
from providers.registry import KINDS, open_provider
from tests.providers.subjects.render import BLUE, RenderSubject

SETTINGS = {
    "github": {"repository": "acme/shop"},
    "caddy": {"token": ""},
    "cloudflare": {"account": "0" * 32},
    "web": {},
    "prometheus": {"base_url": "http://127.0.0.1:9090"},
    "reports": {"organization": "acme"},
}
TOKENLESS = {"web", "haproxy", "postgres"}
TOKEN = {"token": "a-token-of-a-test"}


class SubjectClock:
    """The emulator's clock, as the worker's."""

    def __init__(self, subject: RenderSubject) -> None:
        self.now = subject.now
        self.sleep = subject.clock.advance


class TestGivenEveryAdapter:
    @pytest.mark.parametrize("kind", KINDS)
    async def test_then_everything_on_its_desk_can_be_told_and_typed(self, kind: str):
        block = {"kind": kind, **({} if kind in TOKENLESS else TOKEN), **SETTINGS.get(kind, {})}
        connection = open_provider("mine", block, clock=lambda: datetime.now(UTC))
        about = describe_provider(connection)
        await connection.close()

        for entry in (*about.readings, *about.actions):
            assert entry.about or entry.reason, entry.name
            for field in entry.fields:
                assert field.about, f"{entry.name} {field.name} does not say what it means"
                assert field.kind != "JSON", f"{entry.name} {field.name} cannot be typed"
        for name, action in connection.desk.actions.items():
            fields = {field.name for entry in about.actions if entry.name == name for field in entry.fields}
            if isinstance(action, Action):
                assert set(action.secrets) <= fields, name


class TestGivenTheEmulatedRender:
    async def test_when_a_service_is_scaled_by_hand_then_it_runs_so_many_instances(self, world):
        subject = RenderSubject()
        connection = subject.open()
        desk = FrontDesk({"render": connection}, world.ledger, SubjectClock(subject))
        about = next(one for one in desk.providers("render")[0].actions if one.name == "scale")
        count = next(field.name for field in about.fields if field.kind == "whole number")
        target = next(field.name for field in about.fields if field.required and field.kind == "text")

        wish = DeskWish({target: BLUE, count: "3"}, "r1")
        await desk.act("render", "scale", wish, Actor("ann"))
        await desk.act("render", "scale", wish, Actor("ann"))

        live = await connection.capabilities.inventory.fetch_target(BLUE)
        assert live.instances == 3
        assert subject.emulator.kinds.get("scale", 0) == 1
        await desk.stop()
        await connection.close()
