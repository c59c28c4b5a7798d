"""What the emulated Supabase is made to do is kept, moves on with time, and is told as its document says."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from console.playground.emulators.supabase import Supabase
from console.playground.scene import DATABASES
from tests.playground.emulators.world import Excuse, Judged, ManualClock
from tests.providers.supabase.wishes import Rows
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

EXCUSES = (
    Excuse("media", "", "4XX", "facts 3: errors carry {message}; v1 documents no schema", "JSON"),
    Excuse("status", "", "400", "facts 3: parse leniently; requests that fit no schema are refused"),
    Excuse("status", "", "404", "facts 3: parse leniently; what is not there is not found"),
)
REF = DATABASES[0].ref
PROJECT = f"/v1/projects/{REF}"


@pytest.fixture
def supabase(clock: ManualClock) -> Supabase:
    made = Supabase("postgresql://postgres@127.0.0.1:1/postgres", clock.now() - 86_400, "sbp_secret", "sb_key", clock)
    made.projects[REF].database = Rows(clock.now() - 86_400)
    return made


@pytest.fixture
async def call(supabase: Supabase) -> AsyncIterator[Judged]:
    document = Document.load(shared_spec("supabase-management-v1.json"))
    client = Judged(supabase.app, document, {"Authorization": "Bearer sbp_secret"})
    yield client
    await client.close()
    assert client.unexcused(EXCUSES) == []


async def told(call: Judged, path: str) -> Any:
    return (await call("GET", f"{PROJECT}{path}", 200)).json()


class TestGivenBranches:
    async def make(self, call: Judged, name: str = "preview") -> dict[str, Any]:
        return (await call("POST", f"{PROJECT}/branches", 201, json={"branch_name": name})).json()

    async def test_when_one_is_made_then_it_gets_ready_and_its_parent_is_listed(
        self, call: Judged, clock: ManualClock
    ) -> None:
        made = await self.make(call)
        await clock.advance(20)
        listed = await told(call, "/branches")
        config = (await call("GET", f"/v1/branches/{made['id']}", 200)).json()

        assert made["status"] == "CREATING_PROJECT"
        assert [(one["name"], one["is_default"], one["status"]) for one in listed] == [
            ("main", True, "FUNCTIONS_DEPLOYED"),
            ("preview", False, "FUNCTIONS_DEPLOYED"),
        ]
        assert config["ref"] == made["project_ref"]
        await call("POST", f"{PROJECT}/branches", 400, json={"branch_name": "preview"})

    async def test_when_it_is_merged_then_the_run_goes_step_by_step_at_its_parent(
        self, call: Judged, clock: ManualClock
    ) -> None:
        made = await self.make(call)
        await clock.advance(20)
        run = (await call("POST", f"/v1/branches/{made['id']}/merge", 201, json={})).json()["workflow_run_id"]
        await clock.advance(2.5)
        halfway = await told(call, f"/actions/{run}")
        await clock.advance(10)
        ended = await told(call, "/actions")

        assert [step["status"] for step in halfway["run_steps"]][:4] == ["EXITED", "EXITED", "RUNNING", "CREATED"]
        assert {step["status"] for step in ended[0]["run_steps"]} == {"EXITED"}
        assert (await call("GET", f"{PROJECT}/actions/{run}/logs", 200)).text.startswith("clone: EXITED")

    async def test_when_its_migrations_fail_then_the_step_and_the_branch_say_so(
        self, call: Judged, clock: ManualClock, supabase: Supabase
    ) -> None:
        made = await self.make(call)
        await clock.advance(20)
        supabase.branches.failing.add("preview")
        await call("POST", f"/v1/branches/{made['id']}/reset", 201, json={"migration_version": "20261122"})
        await clock.advance(20)

        runs = (await call("GET", f"/v1/projects/{made['project_ref']}/actions", 200)).json()
        assert {step["name"]: step["status"] for step in runs[0]["run_steps"]}["migrate"] == "DEAD"
        assert (await told(call, "/branches/preview"))["status"] == "MIGRATIONS_FAILED"

    async def test_when_it_is_deleted_then_it_can_be_kept_for_an_hour(self, call: Judged, clock: ManualClock) -> None:
        branch = f"/v1/branches/{(await self.make(call))['id']}"

        await call("DELETE", branch, 200, params={"force": "false"})
        assert "deletion_scheduled_at" in await told(call, "/branches/preview")
        await call("POST", f"{branch}/restore", 200)
        await call("DELETE", branch, 200, params={"force": "false"})
        await clock.advance(3601)

        await call("GET", branch, 404)
        await call("PATCH", branch, 404, json={"persistent": True})


class TestGivenAProject:
    async def test_when_it_is_paused_and_brought_back_then_its_status_moves(
        self, call: Judged, clock: ManualClock
    ) -> None:
        seen = []
        for path in ("/pause", "/restore"):
            await call("POST", f"{PROJECT}{path}", 200)
            await call("POST", f"{PROJECT}/pause", 400)
            seen.append((await told(call, ""))["status"])
            await clock.advance(30)
            seen.append((await told(call, ""))["status"])

        assert seen == ["PAUSING", "INACTIVE", "RESTORING", "ACTIVE_HEALTHY"]

    async def test_when_it_is_upgraded_then_progress_is_told_to_the_end(self, call: Judged, clock: ManualClock) -> None:
        assert (await told(call, "/upgrade/eligibility"))["target_upgrade_versions"][0]["postgres_version"] == "17"
        assert (await told(call, "/upgrade/status"))["databaseUpgradeStatus"] is None
        await call("POST", f"{PROJECT}/upgrade", 201, json={"target_version": "17"})
        await call("POST", f"{PROJECT}/upgrade", 400, json={"target_version": "17"})
        assert (await told(call, ""))["status"] == "UPGRADING"
        await clock.advance(60)

        status = (await told(call, "/upgrade/status"))["databaseUpgradeStatus"]
        assert status["progress"] == "10_completed_post_physical_backup"
        assert not (await told(call, "/upgrade/eligibility"))["eligible"]

    async def test_when_a_replica_is_added_then_its_organization_lists_it(
        self, call: Judged, clock: ManualClock
    ) -> None:
        await call("POST", f"{PROJECT}/read-replicas/setup", 201, json={"read_replica_region": "eu-west-1"})
        await clock.advance(20)

        listed = (await call("GET", "/v1/organizations/harbour-shop/projects", 200, params={"limit": 1})).json()
        replica = listed["projects"][0]["databases"][1]
        assert (replica["type"], replica["status"]) == ("READ_REPLICA", "ACTIVE_HEALTHY")
        body = {"database_identifier": replica["identifier"]}
        await call("POST", f"{PROJECT}/read-replicas/remove", 201, json=body)
        await call("POST", f"{PROJECT}/read-replicas/remove", 404, json=body)

    async def test_when_a_restore_is_asked_for_then_it_needs_what_the_plan_has(
        self, call: Judged, clock: ManualClock, supabase: Supabase
    ) -> None:
        path, target = f"{PROJECT}/database/backups", {"recovery_time_target_unix": int(clock.now()) - 60}
        await call("POST", f"{path}/restore-pitr", 403, json=target)
        supabase.projects[REF].has_pitr = True
        await call("POST", f"{path}/restore-pitr", 400, json={"recovery_time_target_unix": 1})
        await call("POST", f"{path}/restore-pitr", 201, json=target)

        assert (await told(call, ""))["status"] == "RESTORING"
        await call("POST", f"{path}/restore", 404, json={"id": 1})
        assert (await call("PATCH", f"{path}/schedule", 200, json={"schedule_for": "04:00"})).json() == await told(
            call, "/database/backups/schedule"
        )


class TestGivenSettings:
    async def test_when_postgres_is_set_then_what_is_not_named_is_gone(self, call: Judged) -> None:
        path = f"{PROJECT}/config/database/postgres"
        await call("PUT", path, 200, json={"work_mem": "8MB", "restart_database": False})
        await call("PUT", path, 200, json={"max_connections": 90})
        await call("PUT", path, 400, json={"max_connections": "many"})

        assert await told(call, "/config/database/postgres") == {"max_connections": 90}
        assert (await told(call, ""))["status"] == "RESTARTING"

    async def test_when_the_pooler_is_set_then_it_is_told_so(self, call: Judged) -> None:
        path = f"{PROJECT}/config/database/pooler"
        await call("PATCH", path, 200, json={"pool_mode": "session", "default_pool_size": 40})
        await call("PATCH", path, 400, json={"pool_mode": "statement"})

        pooler = (await told(call, "/config/database/pooler"))[0]
        assert (pooler["pool_mode"], pooler["default_pool_size"]) == ("session", 40)

    async def test_when_auth_is_set_then_secrets_are_told_as_digests(self, call: Judged) -> None:
        path = f"{PROJECT}/config/auth"
        await call("PATCH", path, 200, json={"site_url": "https://shop.example", "smtp_pass": "hunter22"})
        await call("PATCH", path, 400, json={"jwt_exp": "soon"})
        await call("PATCH", path, 400, json={"no_such_setting": 1})

        settings = await told(call, "/config/auth")
        assert settings["site_url"] == "https://shop.example"
        assert "hunter22" not in json.dumps(settings)
        assert len(settings["smtp_pass"]) == 64

    async def test_when_addresses_are_restricted_then_it_takes_a_moment(self, call: Judged, clock: ManualClock) -> None:
        path, wish = f"{PROJECT}/network-restrictions", {"dbAllowedCidrs": ["203.0.113.0/24"], "dbAllowedCidrsV6": []}
        await call("POST", f"{path}/apply", 400, json={"dbAllowedCidrs": ["everybody"]})
        stored = (await call("POST", f"{path}/apply", 201, json=wish)).json()
        await clock.advance(5)

        assert (stored["status"], (await told(call, "/network-restrictions"))["status"]) == ("stored", "applied")

    async def test_when_the_rest_is_changed_then_it_is_told_so(self, call: Judged, supabase: Supabase) -> None:
        supabase.projects[REF].banned.append("198.51.100.7")
        await call("PUT", f"{PROJECT}/ssl-enforcement", 200, json={"requestedConfig": {"database": True}})
        await call("DELETE", f"{PROJECT}/network-bans", 200, json={"ipv4_addresses": ["198.51.100.7"]})
        await call("POST", f"{PROJECT}/readonly/temporary-disable", 201)

        assert (await told(call, "/ssl-enforcement"))["currentConfig"] == {"database": True}
        assert (await call("POST", f"{PROJECT}/network-bans/retrieve", 201)).json()["banned_ipv4_addresses"] == []
        assert (await told(call, "/readonly"))["override_enabled"]
        assert len((await told(call, "/analytics/endpoints/usage.api-counts"))["result"]) == 1
        assert "error" in await told(call, "/analytics/endpoints/logs.all?sql=select")


class TestGivenKeys:
    async def test_when_an_api_key_is_made_then_storage_takes_it_until_it_is_deleted(
        self, call: Judged, supabase: Supabase
    ) -> None:
        body = {"type": "secret", "name": "for_worker"}
        made = (await call("POST", f"{PROJECT}/api-keys", 201, json=body, params={"reveal": "true"})).json()
        buckets, key = f"/{REF}/storage/v1/bucket", {"Authorization": f"Bearer {made['api_key']}"}

        assert (await call.raw("GET", buckets, key)).status_code == 200
        await call("POST", f"{PROJECT}/api-keys", 400, json=body)
        await call("DELETE", f"{PROJECT}/api-keys/{made['id']}", 200, params={"was_compromised": "true"})
        assert (await call.raw("GET", buckets, key)).json()["statusCode"] == "403"
        assert made["api_key"] not in json.dumps(await told(call, "/api-keys"))

    async def test_when_a_signing_key_is_put_in_use_then_the_old_one_steps_back(self, call: Judged) -> None:
        path = f"{PROJECT}/config/auth/signing-keys"
        wishes = [{"algorithm": "ES256", "status": status} for status in ("in_use", "standby")]
        ids = [(await call("POST", path, 201, json=wish)).json()["id"] for wish in wishes]
        await call("POST", path, 400, json={"algorithm": "ES256"})
        await call("PATCH", f"{path}/{ids[1]}", 200, json={"status": "in_use"})
        await call("PATCH", f"{path}/{ids[1]}", 400, json={"status": "revoked"})
        await call("DELETE", f"{path}/{ids[0]}", 400)
        await call("PATCH", f"{path}/{ids[0]}", 200, json={"status": "revoked"})
        await call("DELETE", f"{path}/{ids[0]}", 200)

        assert [key["status"] for key in (await told(call, "/config/auth/signing-keys"))["keys"]] == ["in_use"]

    async def test_when_the_legacy_keys_are_switched_off_then_it_is_told_so(self, call: Judged) -> None:
        await call("PUT", f"{PROJECT}/api-keys/legacy", 200, params={"enabled": "false"})

        assert await told(call, "/api-keys/legacy") == {"enabled": False}


class TestGivenAHostname:
    async def test_when_it_is_asked_for_then_it_is_verified_and_activated_in_turn(
        self, call: Judged, clock: ManualClock, supabase: Supabase
    ) -> None:
        path = f"{PROJECT}/custom-hostname"
        await call("GET", path, 404)
        await call("POST", f"{path}/initialize", 201, json={"custom_hostname": "api.example.com"})
        await call("POST", f"{path}/activate", 400)
        await clock.advance(2)
        supabase.hostnames.unresolved.add("api.example.com")
        waiting = (await call("POST", f"{path}/reverify", 201)).json()
        supabase.hostnames.unresolved.clear()
        await call("POST", f"{path}/reverify", 201)
        await clock.advance(5)
        await call("POST", f"{path}/activate", 201)
        await clock.advance(5)

        assert (waiting["status"], waiting["data"]["result"]["ssl"]["status"]) == ("2_initiated", "pending_validation")
        assert (await told(call, "/custom-hostname"))["status"] == "5_services_reconfigured"
        await call("DELETE", path, 200)


class TestGivenFunctions:
    def form(self, metadata: dict[str, Any], **files: bytes) -> httpx.Request:
        parts = [("file", (f"hello/{name}.ts", content)) for name, content in files.items()]
        return httpx.Request("POST", "http://form", data={"metadata": json.dumps(metadata)}, files=parts)

    async def deploy(self, call: Judged, content: bytes, status: int = 201, **query: str) -> Any:
        form = self.form({"entrypoint_path": "hello/index.ts", "name": "hello"}, index=content)
        headers = {"content-type": form.headers["content-type"]}
        params = {"slug": "hello", **query}
        path = f"{PROJECT}/functions/deploy"
        return (await call("POST", path, status, content=form.read(), headers=headers, params=params)).json()

    async def test_when_only_bundled_then_nothing_serves_until_all_are_switched(self, call: Judged) -> None:
        bundled = await self.deploy(call, b"export {}", bundleOnly="true")
        before = await told(call, "/functions")
        del bundled["updated_at"]
        await call("PUT", f"{PROJECT}/functions", 200, json=[bundled])
        await call("PUT", f"{PROJECT}/functions", 200, json=[bundled])

        after = await told(call, "/functions/hello")
        assert before == []
        assert (after["version"], after["ezbr_sha256"]) == (1, bundled["ezbr_sha256"])
        await call("PUT", f"{PROJECT}/functions", 400, json=[{**bundled, "ezbr_sha256": "unknown"}])

    async def test_when_deployed_again_then_the_version_rises_and_another_source_is_another_bundle(
        self, call: Judged, supabase: Supabase
    ) -> None:
        first, second = await self.deploy(call, b"1"), await self.deploy(call, b"2")

        assert (first["version"], second["version"]) == (1, 2)
        assert first["ezbr_sha256"] != second["ezbr_sha256"]
        assert supabase.kinds["function"] == 2
        await call("DELETE", f"{PROJECT}/functions/hello", 200)
        await call("GET", f"{PROJECT}/functions/hello", 404)
        await call("DELETE", f"{PROJECT}/functions/hello", 404)
