"""The emulated Render behaves over time as Render does, and answers only what Render's document allows."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.playground.emulators.render import Render
from console.playground.releases import Catalogue, commit_of
from tests.playground.emulators.world import Excuse, FakeHosting, Judged, ManualClock, settle
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

EXCUSES = (
    Excuse("answer", "/services/{serviceId}/deploys", "commit", "recordings: POST deploys, commit null 4 times"),
    Excuse("answer", "/services/{serviceId}", "finishedAt", "recordings: POST deploys, finishedAt null 6 times"),
    Excuse("undeclared", "/services", "autoDeployTrigger", "recordings: on every service since May 2025"),
    Excuse(
        "undeclared", "/events", "cursor", "facts 1 pagination: every list wraps {thing, cursor}; 'eventWithCursor'"
    ),
    Excuse("answer", "/metrics/", "*", "facts 1: unit is on the series; the document asks values for it too", "'unit'"),
)
BLUE, GREEN, WORKER = "srv-d4blue0k7v1c9m2e5fg0", "srv-d4green0k7v1c9m2e5fg", "srv-d4work0k7v1c9m2e5fg0"
OWNER = "tea-d4shopqdk7v1c9m2e5fg"


@pytest.fixture
async def render(hosting: FakeHosting, catalogue: Catalogue, clock: ManualClock) -> AsyncIterator[Render]:
    emulator = Render(hosting, catalogue, "rnd_secret", clock)
    await emulator.start()
    await settle()
    yield emulator
    await emulator.stop()


@pytest.fixture
async def call(render: Render) -> AsyncIterator[Judged]:
    document = Document.load(shared_spec("render-public-api.json"))
    client = Judged(render.app, document, {"Authorization": "Bearer rnd_secret"}, "/v1")
    yield client
    await client.close()
    assert client.unexcused(EXCUSES) == []


async def deploy_of(call: Judged, service: str, deploy: str) -> Any:
    return (await call("GET", f"/services/{service}/deploys/{deploy}", 200)).json()


async def reasons(call: Judged, service: str) -> list[Any]:
    answer = await call("GET", f"/services/{service}/events?type=deploy_ended", 200)
    return [one["event"]["details"]["reason"] for one in answer.json()]


class TestGivenTheFirstReleaseIsLive:
    async def test_when_services_are_listed_then_blue_serves_and_green_is_suspended(
        self, call: Judged, hosting: FakeHosting, render: Render
    ) -> None:
        listed = (await call("GET", "/services", 200)).json()

        states = {one["service"]["name"]: one["service"]["suspended"] for one in listed}
        assert states["backend-blue"] == "not_suspended"
        assert states["backend-green"] == "suspended"
        assert hosting.serving("backend-blue") == ["v1.0"]
        assert hosting.serving("worker") == ["v1.0"]
        assert "backend-green" not in hosting.routes
        assert render.changes == 0

    async def test_when_pages_are_small_then_cursors_lead_through_all(self, call: Judged) -> None:
        seen, cursor = [], ""
        while page := (await call("GET", f"/services?limit=2&cursor={cursor}", 200)).json():
            seen += [one["service"]["id"] for one in page]
            cursor = page[-1]["cursor"]

        assert len(seen) == len(set(seen)) == 7

    async def test_when_lists_are_filtered_then_only_what_fits_comes(self, call: Judged) -> None:
        workers = (await call("GET", "/services?type=background_worker", 200)).json()
        named = (await call("GET", "/services?name=backend-blue,backend-green", 200)).json()
        asleep = (await call("GET", "/services?suspended=suspended", 200)).json()

        assert [one["service"]["id"] for one in workers] == [WORKER]
        assert {one["service"]["id"] for one in named} == {BLUE, GREEN}
        assert [one["service"]["id"] for one in asleep] == [GREEN]

    async def test_when_a_commit_is_deployed_then_it_goes_live_and_the_old_is_deactivated(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, render: Render
    ) -> None:
        made = (await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": commit_of("v1.1")})).json()

        seen = [made["status"]]
        for _ in range(30):
            await clock.advance(0.05)
            status = (await deploy_of(call, BLUE, made["id"]))["status"]
            seen += [status] if status != seen[-1] else []
        assert seen == ["created", "build_in_progress", "live"]
        assert made["finishedAt"] is None
        assert hosting.serving("backend-blue") == ["v1.1"]
        deploys = (await call("GET", f"/services/{BLUE}/deploys", 200)).json()
        assert [one["deploy"]["status"] for one in deploys] == ["live", "deactivated"]
        assert hosting.history[-3:] == ["start backend-blue v1.1", "route backend-blue v1.1", "stop backend-blue v1.0"]
        assert render.kinds == {"deploy": 1}

    async def test_when_a_deploy_is_asked_for_without_a_commit_then_main_is_deployed(
        self, call: Judged, catalogue: Catalogue
    ) -> None:
        made = (await call("POST", f"/services/{BLUE}/deploys", 201, json={})).json()

        assert made["commit"]["id"] == catalogue.main.commit

    async def test_when_another_deploy_is_asked_for_meanwhile_then_202_is_empty_and_it_is_queued(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, render: Render
    ) -> None:
        await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": commit_of("v1.1")})

        second = await call("POST", f"/services/{BLUE}/deploys", 202, json={"commitId": commit_of("v1.2")})

        assert second.content == b""
        assert "content-type" not in second.headers
        queued = (await call("GET", f"/services/{BLUE}/deploys?status=queued&limit=1", 200)).json()
        assert queued[0]["deploy"]["commit"]["id"] == commit_of("v1.2")
        await clock.advance(3)
        assert hosting.serving("backend-blue") == ["v1.2"]
        assert render.kinds == {"deploy": 2}

    async def test_when_a_release_crashes_then_the_deploy_fails_and_the_old_keeps_serving(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        hosting.crashing.add("v1.5-crash")
        commit = commit_of("v1.5-crash")
        made = (await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": commit})).json()

        await clock.advance(10)

        assert (await deploy_of(call, BLUE, made["id"]))["status"] == "update_failed"
        assert hosting.serving("backend-blue") == ["v1.0"]
        assert [one.release for one in hosting.instances() if one.service == "backend-blue"] == ["v1.0"]
        assert (await reasons(call, BLUE))[0]["failure"]["nonZeroExit"] == 1

    async def test_when_a_release_never_gets_healthy_then_the_health_timeout_ends_it(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        hosting.sick.add("v1.1")
        made = (await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": commit_of("v1.1")})).json()

        await clock.advance(15)
        assert (await deploy_of(call, BLUE, made["id"]))["status"] == "update_in_progress"
        await clock.advance(10)

        assert (await deploy_of(call, BLUE, made["id"]))["status"] == "update_failed"
        assert "unhealthy" in (await reasons(call, BLUE))[0]["failure"]

    async def test_when_the_commit_is_unknown_then_the_build_fails_with_a_reason(
        self, call: Judged, clock: ManualClock
    ) -> None:
        made = (await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": "f" * 40})).json()

        await clock.advance(2)

        assert (await deploy_of(call, BLUE, made["id"]))["status"] == "build_failed"
        assert "buildFailed" in (await reasons(call, BLUE))[0]

    async def test_when_a_running_deploy_is_canceled_then_it_ends_and_the_old_serves(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        made = (await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": commit_of("v1.1")})).json()
        await clock.advance(0.3)

        canceled = (await call("POST", f"/services/{BLUE}/deploys/{made['id']}/cancel", 200)).json()
        await clock.advance(5)

        assert canceled["status"] == "canceled"
        assert (await deploy_of(call, BLUE, made["id"]))["status"] == "canceled"
        assert hosting.serving("backend-blue") == ["v1.0"]
        await call("POST", f"/services/{BLUE}/deploys/{made['id']}/cancel", 400)


class TestGivenASecondReleaseIsLive:
    @pytest.fixture
    async def second(self, call: Judged, clock: ManualClock) -> str:
        await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": commit_of("v1.1")})
        await clock.advance(3)
        deploys = (await call("GET", f"/services/{BLUE}/deploys", 200)).json()
        return str(deploys[1]["deploy"]["id"])

    async def test_when_rolled_back_then_the_first_serves_again_without_a_build(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, second: str, render: Render
    ) -> None:
        made = (await call("POST", f"/services/{BLUE}/rollback", 201, json={"deployId": second})).json()

        await clock.advance(0.3)

        assert made["trigger"] == "rollback"
        assert (await deploy_of(call, BLUE, made["id"]))["status"] == "live"
        assert hosting.serving("backend-blue") == ["v1.0"]
        assert render.kinds == {"deploy": 1, "rollback": 1}

    async def test_when_rolled_back_during_a_deploy_then_that_deploy_makes_way(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, second: str
    ) -> None:
        running = (await call("POST", f"/services/{BLUE}/deploys", 201, json={"commitId": commit_of("v1.2")})).json()
        await clock.advance(0.2)

        await call("POST", f"/services/{BLUE}/rollback", 201, json={"deployId": second})
        await clock.advance(3)

        assert (await deploy_of(call, BLUE, running["id"]))["status"] == "canceled"
        assert hosting.serving("backend-blue") == ["v1.0"]

    async def test_when_suspended_and_resumed_then_the_last_live_release_comes_back(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, second: str, render: Render
    ) -> None:
        suspended = await call("POST", f"/services/{BLUE}/suspend", 202)
        await settle()
        assert suspended.content == b""
        assert hosting.serving("backend-blue") == []
        assert not [one for one in hosting.instances() if one.service == "backend-blue"]

        await call("POST", f"/services/{BLUE}/suspend", 202)
        await call("POST", f"/services/{BLUE}/resume", 202)
        await clock.advance(1)

        assert hosting.serving("backend-blue") == ["v1.1"]
        newest = (await call("GET", f"/services/{BLUE}/deploys?limit=1", 200)).json()[0]["deploy"]
        assert (newest["trigger"], newest["status"]) == ("service_resumed", "live")
        assert render.kinds == {"deploy": 1, "suspend": 1, "resume": 1}


class TestGivenTheSuspendedGreen:
    async def test_when_deployed_then_it_is_refused_until_resumed(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        await call("POST", f"/services/{GREEN}/deploys", 400, json={"commitId": commit_of("v1.1")})

        await call("POST", f"/services/{GREEN}/resume", 202)
        await call("POST", f"/services/{GREEN}/deploys", 202, json={"commitId": commit_of("v1.1")})
        await clock.advance(4)

        assert hosting.serving("backend-green") == ["v1.1"]


class TestGivenARunningService:
    async def test_when_scaled_then_instances_follow(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        await call("POST", f"/services/{BLUE}/scale", 202, json={"numInstances": 3})
        await clock.advance(1)
        up = (await call("GET", f"/services/{BLUE}/instances", 200)).json()
        await call("POST", f"/services/{BLUE}/scale", 202, json={"numInstances": 1})
        await clock.advance(1)
        down = (await call("GET", f"/services/{BLUE}/instances", 200)).json()

        assert (len(up), len(down)) == (3, 1)
        assert len(hosting.serving("backend-blue")) == 1
        counts = (await call("GET", f"/services/{BLUE}/events?type=instance_count_changed", 200)).json()
        assert counts[0]["event"]["details"] == {"fromInstances": 3, "toInstances": 1}

    async def test_when_restarted_then_a_fresh_process_serves(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        before = hosting.routes["backend-blue"][0].id

        await call("POST", f"/services/{BLUE}/restart", 200)
        await clock.advance(1)

        assert hosting.serving("backend-blue") == ["v1.0"]
        assert hosting.routes["backend-blue"][0].id != before

    async def test_when_maintenance_is_switched_on_then_nothing_serves_until_it_is_off(
        self, call: Judged, hosting: FakeHosting
    ) -> None:
        def mode(on: bool) -> Any:
            return {"serviceDetails": {"maintenanceMode": {"enabled": on, "uri": ""}}}

        told = (await call("PATCH", f"/services/{BLUE}", 200, json=mode(True))).json()
        during = hosting.serving("backend-blue")
        await call("PATCH", f"/services/{BLUE}", 200, json=mode(False))

        assert told["serviceDetails"]["maintenanceMode"]["enabled"] is True
        assert (during, hosting.serving("backend-blue")) == ([], ["v1.0"])

    async def test_when_autodeploy_is_switched_off_then_the_service_says_so(self, call: Judged, render: Render) -> None:
        await call("PATCH", f"/services/{BLUE}", 200, json={"autoDeploy": "no"})
        again = await call("PATCH", f"/services/{BLUE}", 200, json={"autoDeploy": "no"})

        assert again.json()["autoDeploy"] == "no"
        assert render.kinds == {"update": 1}

    async def test_when_env_vars_change_then_reading_gives_them_and_repeats_do_not_count(
        self, call: Judged, render: Render
    ) -> None:
        path = f"/services/{BLUE}/env-vars"
        wish = [{"key": "A", "value": "1"}, {"key": "B", "generateValue": True}]

        await call("PUT", path, 200, json=wish)
        await call("PUT", f"{path}/C", 200, json={"value": "3"})
        await call("PUT", f"{path}/C", 200, json={"value": "3"})
        await call("DELETE", f"{path}/A", 204)

        first = (await call("GET", f"{path}?limit=1", 200)).json()
        rest = (await call("GET", f"{path}?cursor={first[0]['cursor']}", 200)).json()
        assert [one["envVar"]["key"] for one in [*first, *rest]] == ["B", "C"]
        assert (await call("GET", f"{path}/C", 200)).json() == {"key": "C", "value": "3"}
        await call("GET", f"{path}/A", 404)
        assert render.kinds == {"env_vars": 3}

    async def test_when_logs_are_paged_forward_then_every_line_comes_once(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        for number in range(7):
            hosting.says("backend-blue", f"line {number}")
        await clock.advance(1)

        seen: list[str] = []
        query: dict[str, Any] = {"ownerId": OWNER, "resource": BLUE, "direction": "forward", "limit": 3, "text": "line"}
        for _ in range(4):
            page = (await call("GET", "/logs", 200, params=query)).json()
            seen += [log["message"] for log in page["logs"]]
            query |= {"startTime": page["nextStartTime"], "endTime": page["nextEndTime"]}

        assert seen == [f"line {number}" for number in range(7)]

    async def test_when_logs_are_read_backward_then_the_newest_come_first(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        hosting.says("backend-blue", "one", level="error")
        await clock.advance(1)
        hosting.says("backend-blue", "two", level="error")
        await clock.advance(1)
        query = {"ownerId": OWNER, "resource": BLUE, "level": "error", "limit": 1}

        page = (await call("GET", "/logs", 200, params=query)).json()
        values = (await call("GET", "/logs/values", 200, params={**query, "label": "level"})).json()

        assert [log["message"] for log in page["logs"]] == ["two"]
        assert page["hasMore"] is True
        assert values == ["error"]

    @pytest.mark.parametrize("name", ["cpu", "memory", "instance-count", "http-requests"])
    async def test_when_metrics_are_read_then_they_name_their_unit(self, call: Judged, name: str) -> None:
        [series] = (await call("GET", f"/metrics/{name}?resource={BLUE}", 200)).json()

        assert series["unit"]
        assert series["labels"] == [{"field": "resource", "value": BLUE}]

    async def test_when_the_rest_is_read_then_the_document_allows_the_answer(self, call: Judged) -> None:
        await call("GET", "/users", 200)
        await call("GET", "/owners", 200)
        await call("GET", f"/owners/{OWNER}", 200)
        await call("GET", f"/services/{BLUE}/events", 200)


class TestGivenTheDoor:
    async def test_when_the_token_is_wrong_then_401(self, call: Judged) -> None:
        answer = await call("GET", "/services", 401, headers={"Authorization": "Bearer nope"})

        assert answer.json() == {"message": "unauthorized"}

    async def test_when_a_service_is_unknown_then_the_recorded_404(self, call: Judged) -> None:
        answer = await call("GET", "/services/srv-none", 404)

        assert answer.json() == {"message": "not found: srv-none"}

    async def test_when_answered_then_the_reset_is_seconds_left_and_the_request_has_an_id(self, call: Judged) -> None:
        answer = await call("GET", "/services", 200)

        assert answer.headers["ratelimit-limit"] == "400"
        assert 0 <= int(answer.headers["ratelimit-reset"]) <= 60
        assert answer.headers["render-request-id"]

    async def test_when_one_service_is_changed_eleven_times_a_minute_then_429_until_the_window_ends(
        self, call: Judged, clock: ManualClock, render: Render
    ) -> None:
        for _ in range(10):
            await call("POST", f"/services/{WORKER}/scale", 202, json={"numInstances": 1})

        refused = await call("POST", f"/services/{WORKER}/scale", 429, json={"numInstances": 2})
        other = await call("POST", f"/services/{BLUE}/scale", 202, json={"numInstances": 1})
        await clock.advance(int(refused.headers["ratelimit-reset"]))

        await call("POST", f"/services/{WORKER}/scale", 202, json={"numInstances": 1})
        assert refused.headers["ratelimit-remaining"] == "0"
        assert other.headers["ratelimit-remaining"] == "9"
        assert render.changes == 0
