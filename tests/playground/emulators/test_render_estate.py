"""What surrounds the services of the emulated Render keeps its state, and answers as Render's document allows."""

from collections.abc import AsyncIterator

import httpx
import pytest

from console.playground.emulators.render import Render
from console.playground.emulators.render_blueprints import BLUEPRINT
from console.playground.emulators.render_datastores import KEY_VALUE, POSTGRES
from console.playground.emulators.render_env import GROUP
from console.playground.emulators.render_estate import DOCS, REPORT, SEARCH
from console.playground.releases import Catalogue
from tests.playground.emulators.test_render import BLUE, EXCUSES, OWNER
from tests.playground.emulators.world import Excuse, FakeHosting, Judged, ManualClock, settle
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

MORE_EXCUSES = (
    *EXCUSES,
    Excuse("answer", "/postgres", "ipAllowList", "recordings: ipAllowList of stores is null"),
    Excuse("answer", "/key-value", "ipAllowList", "recordings: ipAllowList of stores is null"),
    Excuse("answer", "/postgres/{postgresId}", "$", "recordings: no store has the project it asks for", "'project'"),
)


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
    assert client.unexcused(MORE_EXCUSES) == []


class TestGivenServicesOfEveryType:
    async def test_when_each_is_told_then_it_has_the_shape_of_its_type(self, call: Judged) -> None:
        told = {
            one["service"]["type"]: one["service"]["serviceDetails"]
            for one in (await call("GET", "/services?limit=100", 200)).json()
        }

        assert told["static_site"]["publishPath"] == "site"
        assert told["cron_job"]["schedule"] == "0 3 * * *"
        assert "numInstances" not in told["cron_job"]
        assert told["private_service"]["runtime"] == "image"

    async def test_when_an_image_is_deployed_then_the_service_is_made_of_it(
        self, call: Judged, clock: ManualClock
    ) -> None:
        image = "docker.io/acme/search@sha256:abc"
        made = (await call("POST", f"/services/{SEARCH.id}/deploys", 201, json={"imageUrl": image})).json()
        await clock.advance(5)

        assert (made["image"]["ref"], made["commit"]) == (image, None)
        assert (await call("GET", f"/services/{SEARCH.id}", 200)).json()["imagePath"] == image
        await call("POST", f"/services/{SEARCH.id}/deploys", 400, json={"imageUrl": "docker.io/other:1"})

    async def test_when_autoscaling_is_on_then_a_scale_is_ignored(self, call: Judged, render: Render) -> None:
        criteria = {"cpu": {"enabled": True, "percentage": 60}, "memory": {"enabled": False, "percentage": 70}}
        wish = {"enabled": True, "min": 2, "max": 3, "criteria": criteria}

        await call("PUT", f"/services/{BLUE}/autoscaling", 200, json=wish)
        await call("POST", f"/services/{BLUE}/scale", 202, json={"numInstances": 9})

        details = (await call("GET", f"/services/{BLUE}", 200)).json()["serviceDetails"]
        assert (details["numInstances"], details["autoscaling"]) == (2, wish)
        await call("DELETE", f"/services/{BLUE}/autoscaling", 204)
        await call("DELETE", f"/services/{BLUE}/autoscaling", 404)
        assert render.kinds["autoscaling"] == 2

    async def test_when_the_cache_is_purged_twice_then_it_was_emptied_once(self, call: Judged, render: Render) -> None:
        await call("POST", f"/services/{DOCS.id}/cache/purge", 202)
        await call("POST", f"/services/{DOCS.id}/cache/purge", 202)
        await call("POST", f"/services/{REPORT.id}/cache/purge", 400)

        assert render.kinds == {"purge": 1}


class TestGivenSurroundings:
    async def test_when_secret_files_change_then_one_at_a_time_or_all(self, call: Judged) -> None:
        path = f"/services/{BLUE}/secret-files"

        await call("PUT", f"{path}/a", 201, json={"content": "1"})
        await call("PUT", f"{path}/b", 201, json={"content": "2"})
        await call("DELETE", f"{path}/a", 204)
        one_by_one = [row["secretFile"] for row in (await call("GET", path, 200)).json()]
        replaced = (await call("PUT", path, 200, json=[{"name": "c", "content": "3"}])).json()

        assert one_by_one == [{"name": "b", "content": "2"}]
        assert [row["secretFile"]["name"] for row in replaced] == ["c"]
        await call("GET", f"{path}/b", 404)

    async def test_when_a_group_changes_then_reading_it_gives_that(self, call: Judged) -> None:
        group = f"/env-groups/{GROUP}"

        await call("PUT", f"{group}/env-vars/FLAG", 200, json={"value": "on"})
        await call("PUT", f"{group}/secret-files/key", 200, json={"content": "x"})
        await call("POST", f"{group}/services/{BLUE}", 200)
        await call("DELETE", f"{group}/env-vars/REGION", 204)

        told = (await call("GET", group, 200)).json()
        [listed] = (await call("GET", f"/env-groups?ownerId={OWNER}", 200)).json()
        assert told["envVars"] == [{"key": "FLAG", "value": "on"}]
        assert [link["type"] for link in listed["serviceLinks"]] == ["web"]
        await call("DELETE", f"{group}/services/{BLUE}", 204)
        await call("DELETE", f"{group}/services/{BLUE}", 404)

    async def test_when_a_domain_is_added_then_it_verifies_in_a_while(self, call: Judged, clock: ManualClock) -> None:
        path = f"/services/{BLUE}/custom-domains"

        made = (await call("POST", path, 201, json={"name": "example.com"})).json()
        await call("POST", path, 409, json={"name": "example.com"})
        await call("POST", f"{path}/example.com/verify", 202)
        before = (await call("GET", f"{path}/example.com", 200)).json()["verificationStatus"]
        await clock.advance(2)

        assert [one["name"] for one in made] == ["example.com", "www.example.com"]
        assert before == "unverified"
        assert (await call("GET", f"{path}/{made[0]['id']}", 200)).json()["verificationStatus"] == "verified"
        await call("DELETE", f"{path}/example.com", 204)
        assert (await call("GET", path, 200)).json() == []


class TestGivenWorkBesideTheServices:
    async def test_when_a_job_runs_then_it_ends_by_itself_or_is_canceled(
        self, call: Judged, clock: ManualClock
    ) -> None:
        path = f"/services/{BLUE}/jobs"
        done = (await call("POST", path, 201, json={"startCommand": "true"})).json()
        await clock.advance(3)
        stopped = (await call("POST", path, 201, json={"startCommand": "sleep"})).json()

        canceled = (await call("POST", f"{path}/{stopped['id']}/cancel", 200)).json()

        assert canceled["status"] == "canceled"
        assert (await call("GET", f"{path}/{done['id']}", 200)).json()["status"] == "succeeded"
        assert [row["job"]["id"] for row in (await call("GET", path, 200)).json()] == [stopped["id"], done["id"]]
        await call("POST", f"{path}/{done['id']}/cancel", 400)
        await call("GET", f"/services/{BLUE}/events?type=job_run_ended", 200)

    async def test_when_a_cron_job_is_run_again_then_the_active_run_is_canceled(
        self, call: Judged, clock: ManualClock
    ) -> None:
        runs = f"/cron-jobs/{REPORT.id}/runs"
        first = (await call("POST", runs, 200)).json()["id"]
        second = (await call("POST", runs, 200)).json()["id"]
        await clock.advance(10)
        await call("DELETE", runs, 204)

        path = f"/services/{REPORT.id}/events?type=cron_job_run_ended"
        ended = {
            row["event"]["details"]["cronJobRunId"]: row["event"]["details"]["status"]
            for row in (await call("GET", path, 200)).json()
        }
        assert ended == {first: "canceled", second: "successful"}


class TestGivenStoresAndBlueprints:
    @pytest.mark.parametrize("path", [f"/postgres/{POSTGRES}", f"/key-value/{KEY_VALUE}"])
    async def test_when_a_store_is_suspended_then_it_is_until_it_is_resumed(
        self, call: Judged, clock: ManualClock, path: str
    ) -> None:
        seen = []
        for verb in ("suspend", "resume"):
            await call("POST", f"{path}/{verb}", 202)
            await clock.advance(2)
            seen.append((await call("GET", path, 200)).json()["status"])

        assert seen == ["suspended", "available"]
        await call("GET", path.rpartition("/")[0], 200)

    async def test_when_a_moment_is_restored_then_a_new_instance_comes_up(
        self, call: Judged, clock: ManualClock
    ) -> None:
        await clock.advance(60)
        window = (await call("GET", f"/postgres/{POSTGRES}/recovery", 200)).json()
        wish = {"restoreTime": window["startsAt"], "restoreName": "earlier"}
        made = (await call("POST", f"/postgres/{POSTGRES}/recovery", 200, json=wish)).json()
        await call("POST", f"/postgres/{POSTGRES}/export", 202)
        await clock.advance(5)

        assert made["status"] == "recovery_in_progress"
        assert (await call("GET", f"/postgres/{made['id']}", 200)).json()["status"] == "available"
        [export] = (await call("GET", f"/postgres/{POSTGRES}/export", 200)).json()
        assert export["url"]

    async def test_when_the_rest_is_read_then_the_document_allows_the_answer(self, call: Judged) -> None:
        for path in ("/maintenance", "/blueprints", f"/blueprints/{BLUEPRINT}", f"/blueprints/{BLUEPRINT}/syncs"):
            assert (await call("GET", path, 200)).json()
        for owner, status in ((OWNER, 200), ("tea-other", 400)):
            form = {"ownerId": (None, owner), "file": ("render.yaml", b"services: [{type: web, name: a}]")}
            content = httpx.Request("POST", "http://render", files=form)
            sent = {"content": content.read(), "headers": {"content-type": content.headers["content-type"]}}
            await call("POST", "/blueprints/validate", status, **sent)
