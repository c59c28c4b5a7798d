"""`secrets check` says what is wrong with secrets, and never what they are."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from console.config.settings import Settings
from console.domain.codec import to_json
from console.domain.secrets import SecretReport
from console.engine.variables import Variables
from console.server.secrets import SecretDesk
from console.server.variables import Resolver
from console.storage.kept import KeptValues
from console.storage.sqlite_ledger import SqliteLedger
from console.variables.digest import Masker
from tests.server.test_variables import Shelf
from tests.server.world import NOON, StillClock

TOKEN, SESSION = "rnd_0123456789abcdef", "session-secret-0001"


@dataclass
class Desk:
    """A home with its secrets, a platform, and who looks at both."""

    home: Path
    shelf: Shelf
    check_with: SecretDesk

    async def check(self, days: int = 90) -> SecretReport:
        return await self.check_with.check(timedelta(days=days))

    def write(self, name: str, text: str, age_days: int = 1) -> None:
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        at = (NOON - timedelta(days=age_days)).timestamp()
        os.utime(path, (at, at))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    settings = Settings.model_validate(
        {
            "providers": {"render": {"kind": "render", "token": f"file:{tmp_path}/token"}},
            "services": {"api": {"provider": "render"}},
            "environments": {
                "production": {
                    "services": {"api": {"id": "p", "variables": {"SESSION_SECRET": f"file:{tmp_path}/session"}}}
                },
                "staging": {"services": {"api": {"id": "s"}}},
            },
        }
    )
    ledger = SqliteLedger(tmp_path / "history.db")
    await ledger.open()
    shelf = Shelf({"p": {"SESSION_SECRET": SESSION}, "s": {"SESSION_SECRET": "another-secret-0002", "PORT": "1"}})
    connections = {"render": shelf}
    masker, kept = Masker(b"salt"), KeptValues(tmp_path / "kept")
    variables = Variables(settings, connections, masker, kept, Resolver(settings))  # type: ignore[arg-type]
    made = Desk(tmp_path, shelf, SecretDesk(settings, variables, ledger, StillClock(), tmp_path))
    made.write("token", TOKEN)
    made.write("session", SESSION)
    yield made
    await ledger.close()


def told(report: SecretReport) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.problem.value, finding.names) for finding in report.findings]


class TestGivenSecretsAsTheyShouldBe:
    async def test_when_checked_then_there_is_no_finding_and_no_value(self, desk: Desk) -> None:
        report = await desk.check()

        assert report.good, report.findings
        shown = json.dumps(to_json(report))
        assert not any(secret in shown for secret in (TOKEN, SESSION, "another-secret"))
        assert {use.name for use in report.uses} == {
            "providers.render.token",
            "production/api/SESSION_SECRET",
            "staging/api/SESSION_SECRET",
        }

    async def test_when_a_platform_is_silent_then_nothing_is_called_good(self, desk: Desk) -> None:
        desk.shelf.down.add("s")

        report = await desk.check()

        assert (report.good, report.findings) == (False, ())
        assert report.notes == ("api in staging could not be read: Render does not answer.",)


class TestGivenSomethingWrong:
    async def test_when_a_file_is_missing_then_it_is_unresolved(self, desk: Desk) -> None:
        (desk.home / "session").unlink()

        assert told(await desk.check()) == [("unresolved", ("production/api/SESSION_SECRET",))]

    async def test_when_files_are_open_to_others_then_each_is_named_with_its_cure(self, desk: Desk) -> None:
        (desk.home / "token").chmod(0o644)
        (desk.home / "history.db").chmod(0o640)

        report = await desk.check()

        assert told(report) == [("open", (f"{desk.home}/history.db",)), ("open", ("providers.render.token",))]
        assert all("chmod 600" in finding.remedy for finding in report.findings)

    async def test_when_others_can_replace_a_secret_then_it_is_told(self, desk: Desk) -> None:
        desk.home.chmod(0o777)

        findings = (await desk.check()).findings

        assert any("Others can replace the secret of providers.render.token" in finding.what for finding in findings)

    async def test_when_environments_share_one_then_both_names_are_told(self, desk: Desk) -> None:
        desk.shelf.values["s"]["SESSION_SECRET"] = SESSION

        assert told(await desk.check()) == [("shared", ("production/api/SESSION_SECRET", "staging/api/SESSION_SECRET"))]

    async def test_when_a_platform_has_one_that_nothing_refers_to_then_it_is_unused(self, desk: Desk) -> None:
        desk.shelf.values["p"]["OLD_API_KEY"] = "x" * 20

        assert told(await desk.check()) == [("unused", ("production/api/OLD_API_KEY",))]

    async def test_when_one_is_older_than_it_may_be_then_it_is_told(self, desk: Desk) -> None:
        desk.write("token", TOKEN, age_days=100)

        assert told(await desk.check()) == [("old", ("providers.render.token",))]
        assert (await desk.check(days=120)).good
