"""The emulated Vercel builds without serving, promotes and takes back, and keeps to Vercel's document."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.playground.emulators.vercel import Vercel
from console.playground.releases import Catalogue, commit_of
from tests.playground.emulators.world import Excuse, FakeHosting, Judged, ManualClock, settle
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

EXCUSES = (
    Excuse(
        "media", "", "4XX", "facts 2.1: errors carry {error:{code,message}}; the document gives them no body", "JSON"
    ),
    Excuse("status", "", "429", "facts 2.1: X-RateLimit headers and 429; the document names it at some calls only"),
    Excuse("query", "GET /v6/deployments", "meta-quarterdeckOperation", "`vercel list --meta` sends meta-KEY=VALUE"),
    Excuse("operation", "POST /v1/projects/", "-", "specs README: v1 rollback is newer than the document"),
    Excuse("operation", "POST /v9/projects/", "-", "facts 2.2: the official CLI posts /v9/.../rollback"),
    Excuse("operation", "GET /v9/projects/", "-", "facts 2.2: /v9/.../rollback/aliases of the official CLI"),
)
# The October 2026 API moved the list of deployments; specs/vercel-operations-1.28.35.json names the new path.
NEWER = {"/v7/deployments": "/v6/deployments"}
PROJECT, DOMAIN = "prj_Hk7Shop2Front9Deck4Mw1Xv6Qd3", "127.0.0.1/frontend"


@pytest.fixture
async def vercel(hosting: FakeHosting, catalogue: Catalogue, clock: ManualClock) -> AsyncIterator[Vercel]:
    emulator = Vercel(hosting, catalogue, "vc_secret", clock)
    await emulator.start()
    await settle()
    yield emulator
    await emulator.stop()


@pytest.fixture
async def call(vercel: Vercel) -> AsyncIterator[Judged]:
    document = Document.load(shared_spec("vercel-rest-api.json"))
    client = Judged(vercel.app, document, {"Authorization": "Bearer vc_secret"}, stand_ins=NEWER)
    yield client
    await client.close()
    assert client.unexcused(EXCUSES) == []


def wish(release: str, **more: Any) -> Any:
    source = {"type": "github", "org": "quarterdeck-demo", "repo": "shop", "ref": release, "sha": commit_of(release)}
    return {"name": "frontend", "project": PROJECT, "target": "production", "gitSource": source, **more}


async def deploy(call: Judged, release: str, **more: Any) -> Any:
    return (await call("POST", "/v13/deployments?forceNew=1", 200, json=wish(release, **more))).json()


async def look(call: Judged, deployment: Any) -> Any:
    return (await call("GET", f"/v13/deployments/{deployment['id']}", 200)).json()


async def project(call: Judged) -> Any:
    return (await call("GET", f"/v9/projects/{PROJECT}", 200)).json()


@pytest.fixture
async def staged(call: Judged, clock: ManualClock) -> Any:
    """v1.1, built and not serving."""
    await call("PATCH", f"/v9/projects/{PROJECT}", 200, json={"autoAssignCustomDomains": False})
    made = await deploy(call, "v1.1")
    await clock.advance(2)
    return made


class TestGivenTheFirstReleaseIsLive:
    async def test_when_the_project_is_read_then_it_names_production(self, call: Judged, hosting: FakeHosting) -> None:
        told = await project(call)

        assert told["targets"]["production"]["alias"] == [DOMAIN]
        assert hosting.serving("frontend") == ["v1.0"]

    async def test_when_deployed_then_states_pass_and_production_follows(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, vercel: Vercel
    ) -> None:
        made = await deploy(call, "v1.1", meta={"quarterdeckOperation": "op-1"})

        seen = [made["readyState"]]
        for _ in range(40):
            await clock.advance(0.05)
            state = (await look(call, made))["readyState"]
            seen += [state] if state != seen[-1] else []
        assert seen == ["QUEUED", "INITIALIZING", "BUILDING", "READY"]
        told = await look(call, made)
        assert (told["readySubstate"], told["aliasAssigned"], told["alias"]) == ("PROMOTED", True, [DOMAIN])
        assert told["meta"]["quarterdeckOperation"] == "op-1"
        assert "://" not in told["url"]
        assert hosting.serving("frontend") == ["v1.1"]
        assert vercel.kinds == {"deployment": 1}

    async def test_when_the_same_is_asked_for_twice_without_force_then_it_is_one_deployment(
        self, call: Judged, vercel: Vercel
    ) -> None:
        first = (await call("POST", "/v13/deployments", 200, json=wish("v1.1"))).json()
        second = (await call("POST", "/v13/deployments", 200, json=wish("v1.1"))).json()

        assert first["id"] == second["id"]
        assert vercel.kinds == {"deployment": 1}

    async def test_when_the_release_crashes_then_error_and_production_stays(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        hosting.crashing.add("v1.5-crash")
        made = await deploy(call, "v1.5-crash")
        await clock.advance(10)

        told = await look(call, made)

        assert (told["readyState"], told["errorCode"]) == ("ERROR", "BUILD_FAILED")
        assert hosting.serving("frontend") == ["v1.0"]

    async def test_when_canceled_while_building_then_it_ends(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        made = await deploy(call, "v1.1")
        await clock.advance(0.3)

        await call("PATCH", f"/v12/deployments/{made['id']}/cancel", 200)
        await clock.advance(2)

        assert (await look(call, made))["readyState"] == "CANCELED"
        assert hosting.serving("frontend") == ["v1.0"]
        await call("PATCH", f"/v12/deployments/{made['id']}/cancel", 400)

    async def test_when_many_are_deployed_then_few_processes_are_kept(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        await call("PATCH", f"/v9/projects/{PROJECT}", 200, json={"autoAssignCustomDomains": False})
        for release in ("v1.1", "v1.2", "v1.3-errors", "v1.4-slow"):
            await deploy(call, release)
            await clock.advance(2)

        assert sorted(one.release for one in hosting.instances()) == ["v1.0", "v1.3-errors", "v1.4-slow"]


class TestGivenAStagedDeployment:
    async def test_when_looked_at_then_it_is_ready_at_its_own_address_and_not_serving(
        self, call: Judged, hosting: FakeHosting, staged: Any
    ) -> None:
        told = await look(call, staged)

        assert (told["readyState"], told["readySubstate"], told["aliasAssigned"]) == ("READY", "STAGED", False)
        assert hosting.serving(told["url"].partition("/")[2]) == ["v1.1"]
        assert hosting.serving("frontend") == ["v1.0"]

    async def test_when_promoted_then_the_request_goes_through_its_states(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, staged: Any, vercel: Vercel
    ) -> None:
        answer = await call("POST", f"/v10/projects/{PROJECT}/promote/{staged['id']}", 201)

        assert answer.content == b""
        seen = []
        for _ in range(6):
            seen.append((await project(call))["lastAliasRequest"]["jobStatus"])
            await clock.advance(0.05)
        assert list(dict.fromkeys(seen)) == ["pending", "in-progress", "succeeded"]
        told = await look(call, staged)
        assert (told["readySubstate"], told["aliasAssigned"]) == ("PROMOTED", True)
        assert hosting.serving("frontend") == ["v1.1"]
        [alias] = (await call("GET", f"/v1/projects/{PROJECT}/promote/aliases", 200)).json()["aliases"]
        assert alias["alias"] == DOMAIN
        assert vercel.kinds == {"project": 1, "deployment": 1, "promote": 1}
        await call("POST", f"/v10/projects/{PROJECT}/promote/{staged['id']}", 409)

    @pytest.mark.parametrize("version", ["v9", "v1"])
    async def test_when_promoted_and_rolled_back_then_the_former_serves_and_assignment_stays_off(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, staged: Any, version: str
    ) -> None:
        former = (await project(call))["targets"]["production"]["id"]
        await call("PATCH", f"/v9/projects/{PROJECT}", 200, json={"autoAssignCustomDomains": True})
        await call("POST", f"/v10/projects/{PROJECT}/promote/{staged['id']}", 201)
        await clock.advance(1)

        await call("POST", f"/{version}/projects/{PROJECT}/rollback/{former}", 201, json={})
        await clock.advance(1)

        told = await project(call)
        assert (told["lastAliasRequest"]["type"], told["lastAliasRequest"]["jobStatus"]) == ("rollback", "succeeded")
        assert hosting.serving("frontend") == ["v1.0"]
        later = await deploy(call, "v1.2")
        await clock.advance(2)
        assert (await look(call, later))["readySubstate"] == "STAGED"
        await call("GET", f"/v9/projects/{PROJECT}/rollback/aliases?failedOnly=true&limit=20", 200)

    async def test_when_its_process_was_ended_then_promotion_starts_it_again(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, staged: Any
    ) -> None:
        for release in ("v1.2", "v1.3-errors", "v1.4-slow"):
            await deploy(call, release)
            await clock.advance(2)
        assert "v1.1" not in [one.release for one in hosting.instances()]

        await call("POST", f"/v10/projects/{PROJECT}/promote/{staged['id']}", 201)
        await clock.advance(1)

        assert hosting.serving("frontend") == ["v1.1"]

    async def test_when_the_domain_is_aliased_then_the_old_deployment_is_named_for_the_way_back(
        self, call: Judged, hosting: FakeHosting, staged: Any
    ) -> None:
        former = (await project(call))["targets"]["production"]["id"]

        told = (await call("POST", f"/v2/deployments/{staged['id']}/aliases", 200, json={"alias": DOMAIN})).json()

        assert told["oldDeploymentId"] == former
        assert hosting.serving("frontend") == ["v1.1"]
        listed = (await call("GET", f"/v4/aliases?projectId={PROJECT}", 200)).json()["aliases"]
        assert [one["deploymentId"] for one in listed] == [staged["id"]]
        await call("GET", f"/v2/deployments/{staged['id']}/aliases", 200)

    @pytest.mark.parametrize("version", ["v6", "v7"])
    async def test_when_listed_then_filters_find_it(
        self, call: Judged, clock: ManualClock, staged: Any, version: str
    ) -> None:
        await deploy(call, "v1.2", meta={"quarterdeckOperation": "op-2"})
        await clock.advance(2)

        async def ids(query: str) -> list[str]:
            answer = (await call("GET", f"/{version}/deployments?projectId={PROJECT}&{query}", 200)).json()
            return [one["uid"] for one in answer["deployments"]]

        assert await ids(f"sha={commit_of('v1.1')}") == [staged["id"]]
        assert len(await ids("meta-quarterdeckOperation=op-2")) == 1
        assert len(await ids("state=READY&target=production")) == 3
        assert await ids("rollbackCandidate=true") == []
        first = (await call("GET", f"/{version}/deployments?limit=2", 200)).json()
        until = first["pagination"]["next"]
        rest = (await call("GET", f"/{version}/deployments?limit=2&until={until}", 200)).json()
        assert len(first["deployments"]) + len(rest["deployments"]) == 3


class TestGivenEnvVars:
    async def test_when_made_changed_and_deleted_then_identity_is_key_target_and_branch(
        self, call: Judged, vercel: Vercel
    ) -> None:
        path = f"/v10/projects/{PROJECT}/env"
        one = {"key": "API", "value": "https://a", "type": "plain", "target": ["production"]}
        made = (await call("POST", path, 201, json=one)).json()
        both = [one, {**one, "target": ["preview"], "type": "sensitive"}]
        mixed = (await call("POST", path, 201, json=both)).json()
        await call("POST", f"{path}?upsert=true", 201, json={**one, "value": "https://b"})

        listed = (await call("GET", f"{path}?decrypt=true", 200)).json()["envs"]

        assert (len(mixed["created"]), mixed["failed"][0]["error"]["code"]) == (1, "ENV_CONFLICT")
        assert [(env["value"], env["target"]) for env in listed] == [("https://b", ["production"]), ("", ["preview"])]
        own = f"/v9/projects/{PROJECT}/env/{made['created']['id']}"
        await call("PATCH", own, 200, json={"value": "https://c"})
        assert (await call("GET", own.replace("v9", "v1"), 200)).json()["value"] == "https://c"
        await call("DELETE", own, 200)
        assert vercel.kinds == {"env_vars": 5}


class TestGivenLogs:
    async def test_when_a_build_is_over_then_its_lines_are_told_in_order(
        self, call: Judged, clock: ManualClock, staged: Any
    ) -> None:
        path = f"/v3/deployments/{staged['id']}/events?builds=1&limit=-1"

        forward = (await call("GET", f"{path}&direction=forward", 200)).json()
        backward = (await call("GET", f"{path}&direction=backward", 200)).json()

        assert [one["payload"]["text"] for one in forward][-1] == "READY"
        assert backward == list(reversed(forward))

    async def test_when_followed_then_one_json_a_line_comes_as_it_happens(
        self, vercel: Vercel, clock: ManualClock, call: Judged
    ) -> None:
        made = await deploy(call, "v1.1")

        async with Listening(vercel, f"/v3/deployments/{made['id']}/events", "follow=1") as lines:
            await clock.advance(2)

        assert [one["payload"]["text"] for one in lines][-1] == "READY"
        document = Document.load(shared_spec("vercel-rest-api.json"))
        assert document.check_response("GET", f"/v3/deployments/{made['id']}/events", 200, lines) == []

    async def test_when_runtime_logs_are_heard_then_requests_are_told_apart(
        self, vercel: Vercel, clock: ManualClock, call: Judged, hosting: FakeHosting
    ) -> None:
        live = (await project(call))["targets"]["production"]["id"]
        path = f"/v1/projects/{PROJECT}/deployments/{live}/runtime-logs"

        async with Listening(vercel, path) as lines:
            await clock.advance(1)
            hosting.says("frontend", "GET /cart 200 3.1 ms", hosting.routes["frontend"][0].id)
            await clock.advance(1)

        assert (lines[0]["requestMethod"], lines[0]["requestPath"], lines[0]["responseStatusCode"]) == (
            "GET",
            "/cart",
            200,
        )
        document = Document.load(shared_spec("vercel-rest-api.json"))
        assert document.check_response("GET", path, 200, lines[0]) == []


class TestGivenTheDoor:
    async def test_when_the_rest_is_read_then_the_document_allows_the_answer(self, call: Judged) -> None:
        for path in ("/v2/user", "/v2/teams", "/v10/projects", f"/v9/projects/{PROJECT}/domains"):
            await call("GET", path, 200)
        live = (await project(call))["targets"]["production"]["id"]
        await call("GET", f"/v1/projects/{PROJECT}/rolling-release", 200)
        await call("GET", f"/v1/projects/{PROJECT}/rolling-release/billing", 200)
        await call("GET", f"/v1/deployments/{live}/checks", 400)
        await call("GET", "/v13/deployments/dpl_none", 404)
        await call("DELETE", f"/v13/deployments/{live}", 400)

    async def test_when_paused_then_nothing_serves_until_unpaused(
        self, call: Judged, hosting: FakeHosting, vercel: Vercel
    ) -> None:
        await call("POST", f"/v1/projects/{PROJECT}/pause", 200)
        during = hosting.serving("frontend")
        await call("POST", f"/v1/projects/{PROJECT}/unpause", 200)

        assert (during, hosting.serving("frontend")) == ([], ["v1.0"])
        assert vercel.kinds == {"pause": 1, "unpause": 1}

    async def test_when_the_token_or_team_is_wrong_then_403_with_a_code(self, call: Judged) -> None:
        wrong = await call("GET", "/v10/projects", 403, headers={"Authorization": "Bearer nope"})
        await call("GET", "/v10/projects?teamId=team_other", 403)

        assert wrong.json()["error"]["code"] == "forbidden"

    async def test_when_answered_then_the_limit_resets_at_an_epoch(self, call: Judged, clock: ManualClock) -> None:
        answer = await call("GET", "/v2/user", 200)

        assert int(answer.headers["x-ratelimit-reset"]) > clock.now()

    async def test_when_changed_too_often_then_429_says_when_to_come_back(self, call: Judged) -> None:
        for _ in range(120):
            await call("PATCH", f"/v9/projects/{PROJECT}", 200, json={})

        refused = await call("PATCH", f"/v9/projects/{PROJECT}", 429, json={})

        assert refused.json()["error"]["limit"]["remaining"] == 0
        assert 0 < int(refused.headers["retry-after"]) <= 60


class Listening:
    """Keeps one streaming request open; afterwards `lines` holds what came."""

    def __init__(self, vercel: Vercel, path: str, query: str = "") -> None:
        self._app = vercel.app
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"authorization", b"Bearer vc_secret")],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "root_path": "",
        }
        self.lines: list[Any] = []

    async def __aenter__(self) -> list[Any]:
        self._closed = asyncio.Event()
        self._asked = False
        self._task = asyncio.ensure_future(self._app(self._scope, self._receive, self._send))
        await settle()
        return self.lines

    async def __aexit__(self, *_: object) -> None:
        self._closed.set()
        await asyncio.wait_for(self._task, 5)

    async def _receive(self) -> Any:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._closed.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            assert headers[b"content-type"].startswith(b"application/stream+json")
        elif message.get("body"):
            self.lines.append(json.loads(message["body"]))
