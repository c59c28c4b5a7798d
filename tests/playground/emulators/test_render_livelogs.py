"""The emulated Render's live log says what its document allows, each line once, and refuses in the handshake."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from console.playground.emulators.render import Render
from console.playground.releases import Catalogue
from providers.render.subscription import NoSocket
from tests.playground.emulators.world import FakeHosting, ManualClock
from tests.providers.render.sockets import AppSocket, Sockets
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

BLUE, WORKER, OWNER = "srv-d4blue0k7v1c9m2e5fg0", "srv-d4work0k7v1c9m2e5fg0", "tea-d4shopqdk7v1c9m2e5fg"
ASKED = f"ownerId={OWNER}&resource={BLUE}"
PATH = "/logs/subscribe"


@pytest.fixture
async def render(hosting: FakeHosting, catalogue: Catalogue, clock: ManualClock) -> AsyncIterator[Render]:
    emulator = Render(hosting, catalogue, "rnd_secret", clock)
    await emulator.start()
    await clock.advance(1)
    yield emulator
    await emulator.stop()


async def subscribe(render: Render, query: str, token: str = "rnd_secret") -> AppSocket:
    return await Sockets(render.app)(f"ws://render/v1{PATH}?{query}", {"authorization": f"Bearer {token}"})


async def listed(render: Render, query: str) -> list[str]:
    """The ids of the lines that `/logs` gives."""
    headers = {"authorization": "Bearer rnd_secret"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=render.app), headers=headers) as client:
        answer = await client.get(f"http://render/v1/logs?{query}")
    return [line["id"] for line in answer.json()["logs"]]


def said(socket: AppSocket) -> list[dict[str, Any]]:
    """The lines that came by now, each judged by the document."""
    document = Document.load(shared_spec("render-public-api.json"))
    lines = [json.loads(socket.frames.get_nowait()) for _ in range(socket.frames.qsize())]
    assert [document.check_response("GET", PATH, 101, line, "application/json") for line in lines] == [[]] * len(lines)
    return lines


class TestGivenASubscription:
    async def test_when_services_speak_then_lines_of_the_one_asked_for_come_once(
        self, render: Render, hosting: FakeHosting, clock: ManualClock
    ) -> None:
        socket = await subscribe(render, ASKED)
        for number in range(3):
            hosting.says("backend-blue", f"line {number}")
            hosting.says("worker", "of no interest")
            await clock.advance(1)

        lines = said(socket)

        assert [line["message"] for line in lines] == ["line 0", "line 1", "line 2"]
        assert len({line["id"] for line in lines}) == 3
        assert socket.headers["ratelimit-remaining"] == "399"
        await socket.close()

    async def test_when_it_begins_earlier_then_older_lines_come_first_with_the_ids_that_a_list_gives(
        self, render: Render, hosting: FakeHosting, clock: ManualClock
    ) -> None:
        hosting.says("backend-blue", "old", level="error")
        await clock.advance(5)
        socket = await subscribe(render, f"{ASKED}&level=error&startTime=2026-11-18T00:00:00Z")
        lines = said(socket)

        assert [line["message"] for line in lines] == ["old"]
        assert await listed(render, f"{ASKED}&level=error") == [line["id"] for line in lines]
        await socket.close()

    async def test_when_it_has_lasted_then_render_ends_it(self, render: Render, clock: ManualClock) -> None:
        socket = await subscribe(render, ASKED)
        await clock.advance(601)

        assert await socket.receive() is None
        await socket.close()


class TestGivenARefusal:
    @pytest.mark.parametrize(
        ("query", "token", "status"),
        [
            (ASKED, "rnd_wrong", 401),
            (f"ownerId={OWNER}&resource=srv-unknown", "rnd_secret", 404),
            (f"ownerId={OWNER}", "rnd_secret", 400),
            (f"{ASKED}&startTime=yesterday", "rnd_secret", 400),
        ],
        ids=["token", "resource", "none", "time"],
    )
    async def test_then_it_is_told_as_the_document_says(
        self, render: Render, query: str, token: str, status: int
    ) -> None:
        with pytest.raises(NoSocket) as raised:
            await subscribe(render, query, token)

        refusal = raised.value
        found = Document.load(shared_spec("render-public-api.json")).check_response(
            "GET", PATH, refusal.status, json.loads(refusal.body), refusal.headers["content-type"]
        )
        assert (refusal.status, found) == (status, [])
        assert "render-request-id" in refusal.headers
