"""The official Supabase CLI and our desk on one emulated platform: each reads what the other wrote."""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.playground.emulators.supabase import Supabase
from console.playground.scene import DATABASES
from console.playground.serving import Served, bind_loopback
from providers.contract import OperationKey
from providers.opened import Opened
from providers.supabase.adapter import open_connection
from providers.supabase.branches import CreateBranch
from providers.supabase.fields import OfProject
from providers.supabase.secrets import SetSecrets
from providers.supabase.settings import SupabaseSettings
from tests.providers.subjects.supabase import Clock

TOKEN = "sbp_" + "0a1b2c3d" * 5
REF = DATABASES[0].ref
NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/postgres"
Run = Callable[..., Awaitable[str]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def platform(clock: Clock) -> Supabase:
    return Supabase(NOWHERE, clock.now() - 86_400, TOKEN, "sb_secret_key", clock)


@pytest.fixture
async def ours(platform: Supabase, clock: Clock) -> AsyncIterator[Opened]:
    connection = open_connection(
        "supabase",
        SupabaseSettings(base_url="http://supabase/v1", token=TOKEN),
        clock=lambda: datetime.fromtimestamp(clock.now(), UTC),
        sleep=clock.sleep,
        transport=httpx.ASGITransport(app=platform.app),
    )
    yield connection
    await connection.close()


@pytest.fixture
async def cli(supabase_cli: str, platform: Supabase, tmp_path: Path) -> AsyncIterator[Run]:
    """Run the CLI on the project, with the platform on a loopback port; gives what it printed."""
    served = Served(platform.app, bind_loopback())
    served.start()
    here, profile = f"http://127.0.0.1:{served.port}", tmp_path / "profile.yaml"
    addresses = "".join(f"{kind}_url: {here}\n" for kind in ("api", "dashboard", "docs"))
    profile.write_text(f"name: emulated\n{addresses}project_host: 127.0.0.1\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DO_NOT_TRACK": "1",
        "CI": "1",
        "SUPABASE_ACCESS_TOKEN": TOKEN,
    }

    async def run(*arguments: str) -> str:
        command = [supabase_cli, *arguments, "--project-ref", REF, "--profile", str(profile)]
        pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=environment, **pipes)
        out, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, errors.decode()
        return out.decode()

    yield run
    await served.stop()


async def act(ours: Opened, clock: Clock, name: str, request: Any) -> None:
    key = OperationKey(name, datetime.fromtimestamp(clock.now(), UTC))
    await ours.desk.actions[name].actuator.start(request, key)


class TestGivenAProject:
    async def test_when_we_and_the_cli_write_then_each_lists_what_the_other_wrote(self, cli, ours, clock):
        await act(ours, clock, "set-secrets", SetSecrets(REF, {"HARBOUR": "calm"}))
        await act(ours, clock, "create-branch", CreateBranch(REF, "low-tide"))
        await clock.sleep(60)

        branches, _ = await asyncio.gather(
            cli("branches", "list", "-o", "json"), cli("secrets", "set", "TIDE=high", "--yes")
        )
        secrets = await cli("secrets", "list", "-o", "json")
        seen = await ours.desk.readings["secrets"].fetch(OfProject(REF))

        digests = {"HARBOUR": _digest("calm"), "TIDE": _digest("high")}
        assert {one["name"]: one["value"] for one in json.loads(secrets)} == digests
        assert {one["name"]: one["digest"] for one in seen} == digests
        assert {one["name"]: one["status"] for one in json.loads(branches)}["low-tide"] == "FUNCTIONS_DEPLOYED"


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
