"""Checks of a deployment at the desk: what they found, and reporting for one.

A check may hold a build back from its domains: READY, and not serving until the check has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done
from providers.http import segment
from providers.vercel.client import VercelClient
from providers.vercel.deployments import DeploymentReader, SomeDeployment
from providers.vercel.projects import ProjectName


@dataclass(frozen=True)
class Checks:
    project: ProjectName
    deployment: SomeDeployment = ""


@dataclass(frozen=True)
class ReportCheck:
    deployment: Annotated[str, "the deployment's id"]
    check: Annotated[str, "the id of the check run"]
    conclusion: Annotated[str, "succeeded, failed, neutral, skipped, canceled or timeout; empty while it runs"] = ""
    text: Annotated[str, "what was found, in one line"] = ""
    link: Annotated[str, "where to read more"] = ""


@dataclass(frozen=True)
class CheckRun:
    """`status` and `conclusion` keep Vercel's words. `holds_back` is what waits for it, "" for nothing."""

    id: str
    name: str
    status: str
    conclusion: str
    text: str
    link: str
    holds_back: str
    started_at: datetime | None
    ended_at: datetime | None


def parse_run(row: object) -> CheckRun:
    blocks = wire.text(row, "blocks")
    return CheckRun(
        wire.need_text(row, "id"),
        wire.text(row, "name"),
        wire.text(row, "status"),
        wire.text(row, "conclusion"),
        wire.text(row, "conclusionText"),
        wire.text(row, "externalUrl"),
        "" if blocks == "none" else blocks,
        wire.moment(row, "createdAt"),
        wire.moment(row, "completedAt"),
    )


class CheckDesk:
    """The reading, and the actuator that reports."""

    def __init__(self, client: VercelClient) -> None:
        self._http = client.http
        self._reader = DeploymentReader(client)
        self.reporting = Ensuring(ReportCheck, self._look, self._report)

    async def fetch(self, request: Checks) -> Sequence[CheckRun]:
        deployment = await self._reader.find(request.project, request.deployment)
        path = f"/v2/deployments/{segment(deployment.id)}/check-runs"
        return await self._http.fetch(path, lambda body: [parse_run(row) for row in wire.need_items(body, "runs")])

    async def _look(self, request: ReportCheck) -> Standing:
        run = await self._http.fetch_or_none(_path(request), parse_run)
        if run is None:
            return UNKNOWN
        if (run.status, run.conclusion, run.text, run.link) != _said(request, run):
            return absent()
        return done(f"{run.name}: {run.conclusion or run.status}", check=run.id)

    async def _report(self, request: ReportCheck) -> None:
        body: dict[str, object] = {"status": "completed" if request.conclusion else "running"}
        given = {"conclusion": request.conclusion, "conclusionText": request.text, "externalUrl": request.link}
        body |= {name: value for name, value in given.items() if value}
        await self._http.send("PATCH", _path(request), json=body, repeatable=True)


def _path(request: ReportCheck) -> str:
    return f"/v2/deployments/{segment(request.deployment)}/check-runs/{segment(request.check)}"


def _said(request: ReportCheck, run: CheckRun) -> tuple[str, str, str, str]:
    status = "completed" if request.conclusion else "running"
    return status, request.conclusion, request.text or run.text, request.link or run.link
