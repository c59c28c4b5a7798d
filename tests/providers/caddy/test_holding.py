"""The holding page before a route, on Caddy itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from console.domain.errors import Rejected
from providers.caddy.adapter import open_connection
from providers.caddy.page import DEFAULT, write_page
from providers.caddy.settings import CaddySettings
from providers.contract import Maintain, OperationKey, OperationStatus, ShiftTraffic
from providers.opened import Opened
from tests.providers.caddy.real import RealCaddy, real_caddy

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
KEY = OperationKey("wish", NOW)
ON, OFF = Maintain("backend", True), Maintain("backend", False)


@pytest.fixture
def caddy() -> RealCaddy:
    caddy = real_caddy()
    caddy.reset()
    return caddy


@pytest.fixture
async def edge(caddy: RealCaddy) -> AsyncIterator[Opened]:
    connection = open_connection("edge", CaddySettings(admin_url=f"unix:{caddy.admin}"))
    yield connection
    await connection.close()


async def do(edge: Opened, request: Maintain) -> OperationStatus:
    return (await edge.capabilities.maintain.start(request, KEY)).status  # type: ignore[union-attr]  # it is offered


def ask(caddy: RealCaddy, path: str = "/api/x") -> httpx.Response:
    with httpx.Client(trust_env=False, verify=False) as client:
        return client.get(f"{caddy.public}{path}")


def configuration(caddy: RealCaddy) -> object:
    with caddy.client() as client:
        return client.get("/config/apps/http/servers/public").json()


class TestGivenARoute:
    async def test_when_its_page_goes_up_then_everybody_is_told_to_come_back(self, caddy, edge):
        assert await do(edge, Maintain("backend", True, "New oven.", until=datetime(2026, 11, 22, 6, tzinfo=UTC))) == (
            OperationStatus.SUCCEEDED
        )

        answer = ask(caddy)

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "Sun, 22 Nov 2026 06:00:00 GMT")
        assert "New oven." in answer.text
        assert "2026-11-22 06:00 UTC" in answer.text
        assert (await edge.capabilities.pages.fetch_page("backend")).on

    async def test_when_the_page_goes_away_then_nothing_is_left_of_it(self, caddy, edge):
        before = configuration(caddy)

        await do(edge, ON)
        await do(edge, OFF)

        assert configuration(caddy) == before
        assert ask(caddy).text == "blue"
        assert not (await edge.capabilities.pages.fetch_page("backend")).on

    async def test_when_some_paths_stay_open_then_they_reach_the_service(self, caddy, edge):
        await do(edge, Maintain("backend", True, open_paths=("/api/health*",)))

        assert ask(caddy, "/api/healthz").text == "blue"
        assert ask(caddy).status_code == 503


class TestGivenAPageThatIsUp:
    @pytest.fixture(autouse=True)
    async def up(self, caddy, edge) -> None:
        await do(edge, ON)

    async def test_when_traffic_is_moved_behind_it_then_it_is_there_afterwards(self, caddy, edge):
        shift = ShiftTraffic("backend", {"blue": 0, "green": 100})

        moved = await edge.capabilities.shift_traffic.start(shift, KEY)
        hidden = ask(caddy)
        await do(edge, OFF)

        assert (moved.status, hidden.status_code) == (OperationStatus.SUCCEEDED, 503)
        assert await edge.capabilities.router.fetch_weights("backend") == {"blue": 0, "green": 100}
        assert ask(caddy).text == "green"

    async def test_when_another_page_is_asked_for_then_it_replaces_the_first(self, caddy, edge):
        await do(edge, Maintain("backend", True, "It takes longer."))

        assert "It takes longer." in ask(caddy).text
        await do(edge, OFF)
        assert ask(caddy).text == "blue"

    async def test_when_something_else_has_its_name_then_nothing_is_touched(self, caddy, edge):
        with caddy.client() as client:
            strange = {"@id": "backend-holding-page", "handler": "static_response", "body": "mine"}
            client.patch("/id/backend-holding-page", json=strange).raise_for_status()

        with pytest.raises(Rejected, match="no holding page"):
            await do(edge, OFF)

        assert ask(caddy).text == "mine"


class TestGivenNoSuchRoute:
    async def test_when_its_page_is_asked_about_then_the_remedy_names_the_id(self, edge):
        with pytest.raises(Rejected) as refused:
            await edge.capabilities.pages.fetch_page("nope")

        assert '"@id": "nope"' in refused.value.remedy

    async def test_when_its_page_is_to_go_up_then_it_is_lost(self, edge):
        assert await do(edge, Maintain("nope", True)) is OperationStatus.LOST


class TestGivenAMessage:
    def test_when_it_holds_markup_or_placeholders_then_it_stays_text(self):
        page = write_page("<b>soon</b>\n{env.TOKEN}")

        assert "&lt;b&gt;soon&lt;/b&gt;<br>&#123;env.TOKEN&#125;" in page

    def test_when_there_is_none_then_the_page_says_that_we_come_back(self):
        assert DEFAULT in write_page()
