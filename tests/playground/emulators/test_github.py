"""The emulated GitHub keeps GitHub's rules for deployments, checks and limits, and its document's shapes."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from console.playground.emulators.github import GitHub
from console.playground.releases import Catalogue, commit_of
from tests.playground.emulators.world import Excuse, Judged, ManualClock
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

EXCUSES = (
    Excuse("status", "", "401", "facts 4: every call needs the token; the document names 401 at a few calls only"),
    Excuse("status", "", "304", "facts 4: conditional GETs are answered 304; the document names it at some calls only"),
    Excuse("status", "", "403", "facts 4: both limits answer 403; the document names it at some calls only"),
    Excuse("status", "/environments/{environment_name}", "404", "facts 4: 404 is what unknown and hidden things get"),
    Excuse("status", "/pulls/{pull_number}/reviews", "404", "facts 4: 404 is what unknown and hidden things get"),
    Excuse("status", "/statuses/{sha}", "422", "facts 4 errors: validation is 422; the document names only 201"),
    Excuse("media", "POST /repos/{owner}/{repo}/deployments", "409", "the document shows 409's message in its text"),
)
REPO = "/repos/quarterdeck-demo/shop"
V11 = commit_of("v1.1")
AGENT = {"Authorization": "Bearer ghp_secret", "User-Agent": "quarterdeck", "Accept": "application/vnd.github+json"}


@pytest.fixture
def github(catalogue: Catalogue, clock: ManualClock) -> GitHub:
    return GitHub(catalogue, "ghp_secret", clock)


@pytest.fixture
async def call(github: GitHub) -> AsyncIterator[Judged]:
    client = Judged(github.app, Document.load(shared_spec("github-rest-trimmed.json")), AGENT)
    yield client
    await client.close()
    assert client.unexcused(EXCUSES) == []


async def deploy(call: Judged, status: int = 201, **wish: Any) -> Any:
    body = {"ref": V11, "auto_merge": False, "required_contexts": [], "environment": "staging", **wish}
    return (await call("POST", f"{REPO}/deployments", status, json=body)).json()


class TestGivenTheRepository:
    @pytest.mark.parametrize("ref", ["v1.1", V11, V11[:9]])
    async def test_when_a_ref_is_resolved_then_the_commit_comes(self, call: Judged, ref: str) -> None:
        commit = (await call("GET", f"{REPO}/commits/{ref}", 200)).json()

        assert commit["sha"] == V11
        assert commit["commit"]["message"] == "Let customers leave a note"

    async def test_when_main_is_resolved_then_it_is_the_newest_good_release(
        self, call: Judged, catalogue: Catalogue
    ) -> None:
        branch = (await call("GET", f"{REPO}/branches/main", 200)).json()
        ref = (await call("GET", f"{REPO}/git/ref/heads/main", 200)).json()

        assert branch["commit"]["sha"] == ref["object"]["sha"] == catalogue.main.commit

    async def test_when_migrations_are_listed_then_folder_and_file_are_of_that_ref(self, call: Judged) -> None:
        listed = (await call("GET", f"{REPO}/contents/supabase/migrations?ref=v1.0", 200)).json()
        later = (await call("GET", f"{REPO}/contents/supabase/migrations?ref={V11}", 200)).json()
        file = (await call("GET", f"{REPO}/contents/{listed[0]['path']}?ref=v1.0", 200)).json()

        assert len(later) > len(listed) >= 1
        assert "public.items" in base64.b64decode(file["content"]).decode()
        assert file["sha"] == listed[0]["sha"]
        await call("GET", f"{REPO}/contents/nothing?ref=v1.0", 404)

    async def test_when_two_releases_are_compared_then_direction_and_files_are_told(self, call: Judged) -> None:
        ahead = (await call("GET", f"{REPO}/compare/v1.0...v1.1", 200)).json()
        behind = (await call("GET", f"{REPO}/compare/v1.1...v1.0", 200)).json()

        assert (ahead["status"], ahead["ahead_by"], len(ahead["commits"])) == ("ahead", 1, 1)
        assert any(file["filename"].endswith("add_order_note.sql") for file in ahead["files"])
        assert (behind["status"], behind["behind_by"]) == ("behind", 1)

    async def test_when_tags_are_paged_then_links_lead_through_all(self, call: Judged, catalogue: Catalogue) -> None:
        names: list[str] = []
        url: str | None = f"{REPO}/tags?per_page=3"
        while url:
            answer = await call("GET", url, 200)
            names += [tag["name"] for tag in answer.json()]
            url = answer.links.get("next", {}).get("url")

        assert sorted(names) == sorted(release.name for release in catalogue.releases)

    async def test_when_gates_are_asked_then_everything_is_green(self, call: Judged) -> None:
        combined = (await call("GET", f"{REPO}/commits/{V11}/status", 200)).json()
        checks = (await call("GET", f"{REPO}/commits/{V11}/check-runs?filter=latest", 200)).json()

        assert combined["state"] == "success"
        assert {run["conclusion"] for run in checks["check_runs"]} == {"success"}
        assert (await call("GET", f"{REPO}/rules/branches/main", 200)).json() == []
        protection = await call("GET", f"{REPO}/branches/main/protection", 404)
        assert protection.json()["message"] == "Branch not protected"

    async def test_when_a_status_is_set_then_the_last_of_a_context_counts(self, call: Judged, github: GitHub) -> None:
        path = f"{REPO}/statuses/{V11}"
        await call("POST", path, 201, json={"state": "failure", "context": "ci/extra", "description": "red"})
        red = (await call("GET", f"{REPO}/commits/v1.1/status", 200)).json()
        await call("POST", path, 201, json={"state": "success", "context": "ci/extra"})
        green = (await call("GET", f"{REPO}/commits/v1.1/status", 200)).json()

        assert (red["state"], green["state"]) == ("failure", "success")
        await call("POST", path, 422, json={"state": "purple"})
        assert github.kinds == {"commit_status": 2}

    async def test_when_the_rest_is_read_then_the_document_allows_the_answer(self, call: Judged) -> None:
        for path in ("", "/branches", "/commits", "/environments", "/environments/production", "/pulls", "/releases"):
            await call("GET", f"{REPO}{path}", 200)
        for path in (f"/commits/{V11}/pulls", f"/commits/{V11}/statuses", f"/git/commits/{V11}", "/releases/latest"):
            await call("GET", f"{REPO}{path}", 200)
        await call("GET", f"{REPO}/git/matching-refs/tags/v1", 200)
        await call("GET", f"{REPO}/releases/tags/v1.1", 200)
        for path in ("/user", "/rate_limit", "/meta"):
            await call("GET", path, 200)
        for path in ("/commits/none", "/pulls/7/reviews", "/environments/moon", "/deployments/7"):
            await call("GET", f"{REPO}{path}")
        await call("GET", "/repos/quarterdeck-demo/other", 404)


class TestGivenADeploymentIsCreated:
    async def test_when_auto_merge_is_left_on_and_the_ref_is_behind_then_202_and_nothing_is_deployed(
        self, call: Judged, github: GitHub
    ) -> None:
        told = await deploy(call, 202, auto_merge=True)

        assert "Auto-merged main" in told["message"]
        assert (await call("GET", f"{REPO}/deployments", 200)).json() == []
        assert github.changes == 0

    async def test_when_a_required_context_is_red_then_409(self, call: Judged) -> None:
        await call("POST", f"{REPO}/statuses/{V11}", 201, json={"state": "pending", "context": "ci/slow"})

        await deploy(call, 409, required_contexts=["ci/slow"])
        await deploy(call, 201, required_contexts=["ci/build"])

    async def test_when_searched_by_commit_and_environment_then_the_payload_comes_back(self, call: Judged) -> None:
        made = await deploy(call, payload={"operation_id": "op-1"})
        await deploy(call, environment="production")

        found = (await call("GET", f"{REPO}/deployments?sha={V11}&environment=staging", 200)).json()

        assert [one["id"] for one in found] == [made["id"]]
        assert found[0]["payload"] == {"operation_id": "op-1"}
        assert (await call("GET", f"{REPO}/deployments/{made['id']}", 200)).json()["sha"] == V11

    async def test_when_the_ref_does_not_exist_then_422(self, call: Judged) -> None:
        await deploy(call, 422, ref="nowhere")

    async def test_when_a_later_one_succeeds_then_the_earlier_success_becomes_inactive(
        self, call: Judged, github: GitHub
    ) -> None:
        first, second = await deploy(call), await deploy(call)
        for made in (first, second):
            path = f"{REPO}/deployments/{made['id']}/statuses"
            status = {"state": "success", "environment_url": "https://shop.example", "log_url": "https://log.example"}
            await call("POST", path, 201, json=status)

        states = (await call("GET", f"{REPO}/deployments/{first['id']}/statuses", 200)).json()

        assert [one["state"] for one in states] == ["inactive", "success"]
        await call("GET", f"{REPO}/deployments/{first['id']}/statuses/{states[0]['id']}", 200)
        assert github.kinds == {"deployment": 2, "deployment_status": 2}

    async def test_when_it_is_a_production_deployment_then_the_earlier_one_stays_active(self, call: Judged) -> None:
        first, second = await deploy(call, environment="production"), await deploy(call, environment="production")
        for made in (first, second):
            await call("POST", f"{REPO}/deployments/{made['id']}/statuses", 201, json={"state": "success"})

        states = (await call("GET", f"{REPO}/deployments/{first['id']}/statuses", 200)).json()

        assert [one["state"] for one in states] == ["success"]

    async def test_when_an_active_one_is_deleted_then_it_is_refused(self, call: Judged) -> None:
        first, _ = await deploy(call), await deploy(call)
        await call("POST", f"{REPO}/deployments/{first['id']}/statuses", 201, json={"state": "success"})

        await call("DELETE", f"{REPO}/deployments/{first['id']}", 422)
        await call("POST", f"{REPO}/deployments/{first['id']}/statuses", 201, json={"state": "inactive"})
        await call("DELETE", f"{REPO}/deployments/{first['id']}", 204)


class TestGivenIssuesAndReleases:
    async def test_when_an_issue_is_told_and_closed_then_its_story_is_kept(self, call: Judged) -> None:
        wish = {"title": "Rolled back", "body": "why", "labels": ["incident"]}
        made = (await call("POST", f"{REPO}/issues", 201, json=wish)).json()
        at = f"{REPO}/issues/{made['number']}"
        comment = (await call("POST", f"{at}/comments", 201, json={"body": "one"})).json()
        await call("PATCH", f"{REPO}/issues/comments/{comment['id']}", 200, json={"body": "two"})
        closed = (await call("PATCH", at, 200, json={"state": "closed", "state_reason": "completed"})).json()

        assert [one["body"] for one in (await call("GET", f"{at}/comments", 200)).json()] == ["two"]
        assert closed["state_reason"] == "completed"
        assert (await call("GET", f"{REPO}/issues", 200)).json() == []
        assert len((await call("GET", f"{REPO}/issues?state=all&labels=incident", 200)).json()) == 1
        await call("GET", at, 200)

    async def test_when_a_release_is_published_twice_then_the_second_is_refused(self, call: Judged) -> None:
        await call("POST", f"{REPO}/releases", 201, json={"tag_name": "v9", "generate_release_notes": True})
        await call("POST", f"{REPO}/releases", 422, json={"tag_name": "v9"})
        wish = {"tag_name": "v1.2", "previous_tag_name": "v1.0"}
        notes = (await call("POST", f"{REPO}/releases/generate-notes", 200, json=wish)).json()

        assert "Let customers leave a note" in notes["body"]


class TestGivenTheDoor:
    async def test_when_nothing_is_new_then_304_costs_nothing(self, call: Judged) -> None:
        first = await call("GET", f"{REPO}/branches", 200)

        again = await call("GET", f"{REPO}/branches", 304, headers={"If-None-Match": first.headers["etag"]})

        assert again.content == b""
        assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"] == "4999"

    async def test_when_the_user_agent_is_missing_then_403(self, github: GitHub) -> None:
        transport = httpx.ASGITransport(app=github.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.get("/user", headers={**AGENT, "User-Agent": ""})

        assert answer.status_code == 403
        assert "User-Agent" in answer.text

    async def test_when_the_token_is_wrong_then_401(self, call: Judged) -> None:
        answer = await call("GET", f"{REPO}/branches", 401, headers={"Authorization": "Bearer nope"})

        assert answer.json()["message"] == "Bad credentials"

    async def test_when_too_much_is_created_in_a_minute_then_the_secondary_limit_asks_to_wait(
        self, call: Judged, clock: ManualClock
    ) -> None:
        for _ in range(80):
            await deploy(call)

        refused = await call("POST", f"{REPO}/deployments", 403, json={"ref": V11})
        await clock.advance(int(refused.headers["retry-after"]))

        assert "secondary rate limit" in refused.json()["message"]
        await deploy(call)

    async def test_when_the_primary_limit_is_used_up_then_403_until_it_resets(
        self, catalogue: Catalogue, clock: ManualClock
    ) -> None:
        github = GitHub(catalogue, "ghp_secret", clock, limit_scale=0.001)
        document = Document.load(shared_spec("github-rest-trimmed.json"))
        call = Judged(github.app, document, AGENT)
        for _ in range(5):
            await call("GET", "/user", 200)
            await clock.advance(61)

        refused = await call("GET", "/user", 403)
        await call("GET", "/rate_limit", 200)

        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert "API rate limit exceeded" in refused.json()["message"]
        await clock.advance(float(refused.headers["x-ratelimit-reset"]) - clock.now())
        await call("GET", "/user", 200)
        await call.close()
        assert call.unexcused(EXCUSES) == []
