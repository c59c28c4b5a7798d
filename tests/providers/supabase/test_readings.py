"""What the Supabase adapter reads from the Management API."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from console.domain.errors import Rejected
from providers.supabase.adapter import open_connection
from providers.supabase.settings import SupabaseSettings

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
REF = "quarterdeckprodshopa"
PROJECT = {"id": REF, "ref": REF, "name": "shop", "status": "ACTIVE_HEALTHY"}


class Scripted:
    """A connection to canned answers by path; `asked` holds the requests."""

    def __init__(self, answers, databases=None):
        self.asked = []
        self.slept = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            return httpx.Response(200, json=answers[request.url.path])

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        settings = SupabaseSettings(token="sbp_Zx81kQm44pLw", databases=databases or {})
        self.can = open_connection(
            "supabase", settings, clock=lambda: NOW, sleep=sleep, transport=httpx.MockTransport(handle)
        ).capabilities


class TestGivenAProject:
    def scripted(self, status="ACTIVE_HEALTHY", health=()):
        return Scripted(
            {f"/v1/projects/{REF}": {**PROJECT, "status": status}, f"/v1/projects/{REF}/health": list(health)}
        )

    async def test_when_it_is_well_then_its_status_is_told(self):
        scripted = self.scripted(health=[{"name": "db", "healthy": True, "status": "ACTIVE_HEALTHY"}])

        target = await scripted.can.inventory.fetch_target(REF)

        assert (target.name, target.kind, target.detail, target.suspended) == (
            "shop",
            "database",
            "ACTIVE_HEALTHY",
            False,
        )
        assert scripted.asked[-1].url.params.get_list("services")[:2] == ["db", "auth"]

    async def test_when_a_service_is_ill_then_it_is_named(self):
        ill = {"name": "db", "healthy": False, "status": "UNHEALTHY", "error": "connection refused"}

        target = await self.scripted(health=[ill]).can.inventory.fetch_target(REF)

        assert target.detail == "ACTIVE_HEALTHY · db: connection refused"

    async def test_when_it_is_paused_then_its_services_are_not_asked(self):
        scripted = self.scripted("INACTIVE")

        target = await scripted.can.inventory.fetch_target(REF)

        assert target.suspended
        assert len(scripted.asked) == 1


class TestGivenAToken:
    async def test_when_a_configured_project_is_out_of_sight_then_it_is_missing(self):
        answers = {"/v1/organizations": [{"id": "o", "name": "Harbour"}], "/v1/projects": [PROJECT]}
        scripted = Scripted(answers, {REF: "postgresql://x", "quarterdeckstagshopb": "postgresql://y"})

        report = await scripted.can.account.fetch_account()

        assert report.identity == "organization Harbour"
        assert report.missing_scopes == ("project quarterdeckstagshopb",)


class TestGivenLogs:
    PATH = f"/v1/projects/{REF}/analytics/endpoints/logs.all"

    def row(self, number: int, **more):
        at = int((NOW - timedelta(minutes=number)).timestamp() * 1_000_000)
        return {"id": f"l{number}", "timestamp": at, "event_message": f"line {number}", **more}

    async def test_when_they_are_read_then_the_oldest_comes_first(self):
        rows = [self.row(1, error_severity="ERROR"), self.row(2, error_severity="LOG")]
        scripted = Scripted({self.PATH: {"result": rows}})

        lines = await scripted.can.logs.fetch_logs(REF, NOW - timedelta(days=9), NOW, 50)

        assert [(line.text, line.level) for line in lines] == [("line 2", "info"), ("line 1", "error")]
        assert lines[0].number < lines[1].number
        params = scripted.asked[0].url.params
        assert params["iso_timestamp_start"] == "2026-11-21T05:00:00Z"
        assert "limit 50" in params["sql"]

    async def test_when_a_good_answer_carries_an_error_then_it_is_one(self):
        for error in ("quota exceeded", {"code": 400, "message": "quota exceeded"}):
            scripted = Scripted({self.PATH: {"result": [], "error": error}})

            with pytest.raises(Rejected, match="quota exceeded"):
                await scripted.can.logs.fetch_logs(REF, NOW - timedelta(hours=1), NOW)

    async def test_when_they_are_followed_then_each_line_comes_once(self):
        scripted = Scripted({self.PATH: {"result": [self.row(1), self.row(2)]}})
        followed = scripted.can.logs.follow_logs(REF, NOW - timedelta(minutes=5))

        assert [(await anext(followed)).text for _ in range(2)] == ["line 2", "line 1"]
        assert scripted.slept == []
        await followed.aclose()
