"""The emulated Vercel keeps what its dashboard changes: rolling releases, domains, certificates, checks and more."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.playground.emulators import vercel_certs, vercel_edge
from console.playground.emulators.vercel import Vercel
from console.playground.emulators.vercel_dns import TEAM_DOMAIN
from console.playground.releases import Catalogue, commit_of
from tests.playground.emulators.world import Excuse, FakeHosting, Judged, ManualClock, settle
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

EXCUSES = (
    Excuse(
        "media", "", "4XX", "facts 2.1: errors carry {error:{code,message}}; the document gives them no body", "JSON"
    ),
    Excuse("status", "", "404", "a domain or record that is not there; the document names no status for it"),
    Excuse("body", "/rolling-release/config", "$", "facts 2.6: the body that configures is in no document"),
    Excuse("body", "/v1/edge-config", "items[0]", "the document's pattern for keys is escaped twice"),
    Excuse("body", "/v1/edge-config", ".key", "the document's pattern for keys is escaped twice", "does not match"),
    Excuse("body", "/v1/edge-config", ".slug", "the document's pattern is escaped twice", "does not match"),
    Excuse("body", "/v1/edge-config", "items[1]", "the document's arms leave out its own operation delete", "delete"),
    Excuse("body", "POST /v2/domains/", "$", "the document requires a name for TXT and allows none", "TXT"),
    Excuse("operation", "/rollback/", "-", "specs README: v1 rollback is newer than the document"),
    Excuse("operation", "/rolling-release/start", "-", "specs README: newer than the document"),
    Excuse("operation", "/v2/projects/", "-", "specs README: checks v2 are newer than the document"),
    Excuse("operation", "/check-runs", "-", "specs README: checks v2 are newer than the document"),
    Excuse("operation", "/v1/query/web-analytics/", "-", "operations of October 2026: newer than the document"),
    Excuse("operation", "/v1/billing/charges", "-", "vercel.com/docs/rest-api/billing: newer than the document"),
    Excuse("operation", "GET /v8/certs", "-", "operations of October 2026: newer than the document"),
)
NEWER = {
    f"/v5/domains/{TEAM_DOMAIN}/records": f"/v4/domains/{TEAM_DOMAIN}/records",
    "/v1/global-config": "/v1/edge-config",
}
PROJECT, DOMAIN = "prj_Hk7Shop2Front9Deck4Mw1Xv6Qd3", "127.0.0.1/frontend"
BASE = f"/v1/projects/{PROJECT}/rolling-release"
MANUAL = {
    "enabled": True,
    "advancementType": "manual-approval",
    "stages": [
        {"targetPercentage": 10, "requireApproval": True},
        {"targetPercentage": 50, "requireApproval": True},
        {"targetPercentage": 100},
    ],
}
TIMED = {
    "enabled": True,
    "advancementType": "automatic",
    "stages": [{"targetPercentage": 5, "duration": 10}, {"targetPercentage": 100}],
}


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


async def deploy(call: Judged, clock: ManualClock, release: str) -> str:
    source = {"type": "github", "org": "quarterdeck-demo", "repo": "shop", "ref": release, "sha": commit_of(release)}
    wish = {"name": "frontend", "project": PROJECT, "target": "production", "gitSource": source}
    made = (await call("POST", "/v13/deployments?forceNew=1", 200, json=wish)).json()
    await clock.advance(2)
    return str(made["id"])


async def rolling(call: Judged) -> Any:
    return (await call("GET", BASE, 200)).json()["rollingRelease"]


async def look(call: Judged, deployment: str) -> Any:
    return (await call("GET", f"/v13/deployments/{deployment}", 200)).json()


def share(hosting: FakeHosting, release: str) -> float:
    """The part of the visitors of the shop that get a release."""
    serving = hosting.serving("frontend")
    return serving.count(release) / len(serving)


class TestGivenRollingReleases:
    async def test_when_a_new_deployment_is_ready_then_it_gets_visitors_stage_by_stage(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, vercel: Vercel
    ) -> None:
        await call("PATCH", f"{BASE}/config", 200, json=MANUAL)
        canary = await deploy(call, clock, "v1.1")

        first, shares = await rolling(call), [share(hosting, "v1.1")]
        assert (await look(call, canary))["readySubstate"] == "ROLLING"
        second = {"nextStageIndex": 1, "canaryDeploymentId": canary}
        await call("POST", f"{BASE}/approve-stage", 200, json=second)
        await call("POST", f"{BASE}/approve-stage", 400, json=second)
        await settle()
        shares.append(share(hosting, "v1.1"))
        await call("POST", f"{BASE}/complete", 200, json={"canaryDeploymentId": canary})
        await settle()
        shares.append(share(hosting, "v1.1"))

        assert (first["state"], first["activeStage"]["index"], first["canaryDeployment"]["id"]) == ("ACTIVE", 0, canary)
        assert shares == [0.1, 0.5, 1.0]
        assert (await rolling(call))["state"] == "COMPLETE"
        assert (await look(call, canary))["readySubstate"] == "PROMOTED"
        assert vercel.kinds["rolling_release"] == vercel.kinds["stage"] == vercel.kinds["rolling_complete"] == 1

    async def test_when_production_is_rolled_back_to_then_the_release_is_aborted(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        await call("PATCH", f"{BASE}/config", 200, json=MANUAL)
        await deploy(call, clock, "v1.1")
        current = (await rolling(call))["currentDeployment"]["id"]

        await call("POST", f"/v1/projects/{PROJECT}/rollback/{current}", 201)
        await settle()

        told = await rolling(call)
        assert (told["state"], told["activeStage"], share(hosting, "v1.0")) == ("ABORTED", None, 1.0)
        assert (await call("GET", f"{BASE}?state=ACTIVE", 200)).json() == {"rollingRelease": None}

    async def test_when_stages_last_their_time_then_they_go_on_by_themselves(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting
    ) -> None:
        await call("PATCH", f"{BASE}/config", 200, json=TIMED)
        await deploy(call, clock, "v1.1")

        before = (share(hosting, "v1.1"), (await rolling(call))["activeStage"]["duration"])
        await clock.advance(601)

        assert (before, share(hosting, "v1.1")) == ((0.05, 600), 1.0)

    async def test_when_another_is_promoted_meanwhile_then_it_is_queued(self, call: Judged, clock: ManualClock) -> None:
        await call("PATCH", f"{BASE}/config", 200, json=MANUAL)
        canary = await deploy(call, clock, "v1.1")
        await call("PATCH", f"/v9/projects/{PROJECT}", 200, json={"autoAssignCustomDomains": False})
        later = await deploy(call, clock, "v1.2")

        await call("POST", f"/v10/projects/{PROJECT}/promote/{later}", 202)

        assert (await rolling(call))["queuedDeploymentId"] == later
        await call("POST", f"{BASE}/complete", 200, json={"canaryDeploymentId": canary})
        await settle()
        assert (await rolling(call))["canaryDeployment"]["id"] == later

    async def test_when_the_template_changes_then_one_in_flight_goes_on(self, call: Judged, clock: ManualClock) -> None:
        await call("PATCH", f"{BASE}/config", 200, json=MANUAL)
        canary = await deploy(call, clock, "v1.1")

        await call("DELETE", f"{BASE}/config", 200)

        assert (await call("GET", f"{BASE}/config", 200)).json() == {"rollingRelease": None}
        assert len((await rolling(call))["stages"]) == 3
        await call("POST", f"{BASE}/approve-stage", 200, json={"nextStageIndex": 1, "canaryDeploymentId": canary})

    async def test_when_stages_do_not_rise_or_the_plan_has_none_then_that_is_refused(
        self, call: Judged, vercel: Vercel
    ) -> None:
        for stages in ([100], [50, 50, 100], [10, 50]):
            wish = {**MANUAL, "stages": [{"targetPercentage": one} for one in stages]}
            await call("PATCH", f"{BASE}/config", 400, json=wish)
        for plan in ("plan_not_supported", "no_available_slots", "available_slots", "unlimited_slots"):
            vercel.rolling.plan = plan
            assert (await call("GET", f"{BASE}/billing", 200)).json()["reason"] == plan
        vercel.rolling.plan = "plan_not_supported"
        await call("PATCH", f"{BASE}/config", 403, json=MANUAL)

    async def test_when_started_by_name_then_a_second_start_is_nothing(
        self, call: Judged, clock: ManualClock, vercel: Vercel
    ) -> None:
        await call("PATCH", f"/v9/projects/{PROJECT}", 200, json={"autoAssignCustomDomains": False})
        canary = await deploy(call, clock, "v1.1")
        await call("PATCH", f"{BASE}/config", 200, json=MANUAL)

        for _ in range(2):
            await call("POST", f"{BASE}/start", 200, json={"canaryDeploymentId": canary})

        assert vercel.kinds["rolling_release"] == 1


class TestGivenDomains:
    async def test_when_one_from_elsewhere_is_added_then_it_leads_nowhere_until_it_is_proven(
        self, call: Judged, vercel: Vercel
    ) -> None:
        path = f"/v9/projects/{PROJECT}/domains"
        added = (await call("POST", path.replace("v9", "v10"), 200, json={"name": "shop.else.example"})).json()
        [challenge] = added["verification"]
        await call("POST", f"{path}/shop.else.example/verify", 400)

        vercel.domains.public_txt.add((challenge["domain"], challenge["value"]))
        verified = (await call("POST", f"{path}/shop.else.example/verify", 200)).json()

        live = vercel.projects[0].production
        assert (added["verified"], verified["verified"]) == (False, True)
        assert vercel.projects[0].aliases["shop.else.example"][1] == live
        listed = (await call("GET", path, 200)).json()["domains"]
        assert [one["name"] for one in listed] == ["shop.else.example", DOMAIN]
        await call("POST", path.replace("v9", "v10"), 409, json={"name": "shop.else.example"})
        await call("PATCH", f"{path}/shop.else.example", 200, json={"redirect": TEAM_DOMAIN, "gitBranch": None})
        assert (await call("GET", f"{path}/shop.else.example", 200)).json()["redirect"] == TEAM_DOMAIN
        await call("DELETE", f"{path}/shop.else.example", 200)
        await call("GET", f"{path}/shop.else.example", 404)

    async def test_when_a_domain_of_production_is_verified_then_it_follows_production(
        self, call: Judged, clock: ManualClock, vercel: Vercel
    ) -> None:
        await call("POST", f"/v10/projects/{PROJECT}/domains", 200, json={"name": f"shop.{TEAM_DOMAIN}"})

        made = await deploy(call, clock, "v1.1")

        assert sorted((await look(call, made))["alias"]) == [DOMAIN, f"shop.{TEAM_DOMAIN}"]

    async def test_when_records_are_made_then_they_are_listed_and_lead(self, call: Judged, vercel: Vercel) -> None:
        path = f"/v2/domains/{TEAM_DOMAIN}/records"
        record = {"type": "A", "name": "api", "value": "76.76.21.21", "ttl": 300}
        before = (await call("GET", f"/v6/domains/api.{TEAM_DOMAIN}/config", 200)).json()

        made = (await call("POST", path, 200, json=record)).json()

        after = (await call("GET", f"/v6/domains/api.{TEAM_DOMAIN}/config", 200)).json()
        assert (before["misconfigured"], after["configuredBy"]) == (True, "A")
        listed = (await call("GET", path.replace("v2", "v5"), 200)).json()["records"]
        assert [(one["type"], one["name"], one["ttl"]) for one in listed] == [("A", "api", 300), ("CNAME", "www", 60)]
        await call("POST", path, 409, json=record)
        await call("POST", path, 400, json={**record, "value": "no address"})
        await call("POST", path, 400, json={**record, "ttl": 5})
        await call("POST", path, 200, json={"type": "TXT", "name": "", "value": "proof"})
        await call("DELETE", f"{path}/{made['uid']}", 200)
        await call("DELETE", f"{path}/{made['uid']}", 404)
        await call("GET", "/v4/domains/unknown.example/records", 404)
        for team in ("/v5/domains", f"/v5/domains/{TEAM_DOMAIN}"):
            await call("GET", team, 200)

    async def test_when_a_certificate_is_issued_then_it_is_for_the_teams_own_names(
        self, call: Judged, clock: ManualClock
    ) -> None:
        made = (await call("POST", "/v8/certs", 200, json={"cns": [f"shop.{TEAM_DOMAIN}"]})).json()

        assert (await call("GET", f"/v8/certs/{made['id']}", 200)).json() == made
        listed = (await call("GET", "/v8/certs", 200)).json()["certs"]
        assert [one["id"] for one in listed] == [made["id"], vercel_certs.FIRST]
        await call("POST", "/v8/certs", 403, json={"cns": ["shop.else.example"]})
        await call("DELETE", f"/v8/certs/{made['id']}", 200)
        await call("GET", f"/v8/certs/{made['id']}", 404)


class TestGivenAliases:
    async def test_when_one_is_moved_and_deleted_then_it_is_read_back(
        self, call: Judged, clock: ManualClock, vercel: Vercel
    ) -> None:
        name, live = f"blue.{TEAM_DOMAIN}", vercel.projects[0].production
        await call("POST", f"/v2/deployments/{live}/aliases", 200, json={"alias": name})
        await call("POST", f"/v2/deployments/{live}/aliases", 409, json={"alias": name})

        [told] = (await call("GET", f"/v4/aliases/{name}", 200)).json()

        assert told["deploymentId"] == live
        assert len((await call("GET", f"/v4/aliases?domain={TEAM_DOMAIN}", 200)).json()["aliases"]) == 1
        await call("DELETE", f"/v2/aliases/{told['uid']}", 200)
        await call("GET", f"/v4/aliases/{name}", 404)


class TestGivenAnEdgeConfig:
    async def test_when_items_change_then_all_do_or_none(self, call: Judged, vercel: Vercel) -> None:
        path = f"/v1/edge-config/{vercel_edge.FIRST}/items"
        good = [{"operation": "upsert", "key": "limit", "value": 3}, {"operation": "delete", "key": "banner"}]

        await call("PATCH", path, 200, json={"items": good})
        await call("PATCH", path, 409, json={"items": [{**good[0], "value": 4}, {**good[0], "operation": "create"}]})
        await call("PATCH", path, 404, json={"items": [{"operation": "update", "key": "none", "value": 1}]})

        items = (await call("GET", path, 200)).json()
        assert [(one["key"], one["value"]) for one in items] == [("limit", 3)]
        [told] = (await call("GET", "/v1/edge-config", 200)).json()
        assert (told["itemCount"], vercel.kinds["edge_items"]) == (1, 1)
        made = (await call("POST", "/v1/edge-config", 201, json={"slug": "more", "items": {"a": 1}})).json()
        assert (await call("GET", f"/v1/edge-config/{made['id']}", 200)).json()["slug"] == "more"
        await call("DELETE", f"/v1/edge-config/{made['id']}", 204)
        assert len((await call("GET", "/v1/global-config", 200)).json()) == 1


class TestGivenAChecksDeployment:
    @pytest.mark.parametrize(("conclusion", "serves"), [("succeeded", True), ("failed", False)])
    async def test_when_a_check_has_to_pass_then_a_ready_build_serves_only_after_it(
        self, call: Judged, clock: ManualClock, hosting: FakeHosting, conclusion: str, serves: bool
    ) -> None:
        await call("POST", f"/v2/projects/{PROJECT}/checks", 200, json={"name": "links"})
        made = await deploy(call, clock, "v1.1")
        waiting = await look(call, made)
        [run] = (await call("GET", f"/v2/deployments/{made}/check-runs", 200)).json()["runs"]

        path = f"/v2/deployments/{made}/check-runs/{run['id']}"
        await call("PATCH", path, 200, json={"status": "completed", "conclusion": conclusion})
        await clock.advance(2)

        told = await look(call, made)
        assert (waiting["readyState"], waiting["checksState"], waiting["aliasAssigned"]) == (
            "READY",
            "registered",
            False,
        )
        assert (told["checksConclusion"], told["aliasAssigned"]) == (conclusion, serves)
        assert (hosting.serving("frontend") == ["v1.1"]) is serves
        assert (await call("GET", path, 200)).json()["conclusion"] == conclusion
        assert len((await call("GET", f"/v2/projects/{PROJECT}/checks", 200)).json()["checks"]) == 1

    async def test_when_nobody_reports_then_it_runs_out_of_time(self, call: Judged, clock: ManualClock) -> None:
        await call("POST", f"/v2/projects/{PROJECT}/checks", 200, json={"name": "links", "timeout": 30})
        made = await deploy(call, clock, "v1.1")

        await clock.advance(31)

        [run] = (await call("GET", f"/v2/deployments/{made}/check-runs", 200)).json()["runs"]
        assert run["conclusion"] == "timeout"


class TestGivenVisitors:
    async def test_when_asked_then_views_and_bill_follow_from_what_was_logged(
        self, call: Judged, hosting: FakeHosting, vercel: Vercel
    ) -> None:
        for path in ("/", "/cart", "/"):
            hosting.says("frontend", f"GET {path} 200 1.0 ms")
        base = "/v1/query/web-analytics/visits"

        count = (await call("GET", f"{base}/count?projectId={PROJECT}", 200)).json()["data"]
        groups = (await call("GET", f"{base}/aggregate?projectId={PROJECT}&by=requestPath", 200)).json()["data"]
        bill = await call.raw("GET", "/v1/billing/charges?from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z", {})

        records = [json.loads(line) for line in bill.text.splitlines()]
        assert (count["pageviews"], groups[0]["requestPath"], groups[0]["pageviews"]) == (3, "/", 2)
        assert (len(records), sum(one["ConsumedQuantity"] for one in records)) == (29, 3)
        await call("GET", "/v1/billing/charges?from=yesterday&to=today", 400)
        vercel.figures.analytics = False
        await call("GET", f"{base}/count?projectId={PROJECT}", 402)
