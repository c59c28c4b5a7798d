"""Workflow runs: what they are, how they go, what their jobs did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers.contract import Operation, OperationStatus
from providers.github.client import GitHubClient
from providers.wire import flag, items, moment, need_items, need_text, text, whole

COMPLETED = "completed"
ENDS = {
    "success": OperationStatus.SUCCEEDED,
    "neutral": OperationStatus.SUCCEEDED,
    "skipped": OperationStatus.SUCCEEDED,
    "cancelled": OperationStatus.CANCELLED,
    "failure": OperationStatus.FAILED,
    "timed_out": OperationStatus.FAILED,
    "action_required": OperationStatus.FAILED,
    "startup_failure": OperationStatus.FAILED,
    "stale": OperationStatus.FAILED,
}
RUNS_AT_MOST = 1000
"""GitHub ends a filtered list there."""


@dataclass(frozen=True)
class ListRuns:
    commit: Annotated[str, "only those of this full commit"] = ""
    branch: Annotated[str, "only those of this branch"] = ""
    event: Annotated[str, "only those begun by it: push, workflow_dispatch, …"] = ""
    status: Annotated[str, "only those with this status or conclusion"] = ""
    limit: Annotated[int, "how many, newest first"] = 20


@dataclass(frozen=True)
class ShowRun:
    run: Annotated[int, "the run's id"]


@dataclass(frozen=True)
class Run:
    """`status` and `conclusion` are GitHub's words; `started_at` is that of the latest attempt."""

    id: str
    workflow: str
    title: str
    event: str
    status: str
    conclusion: str
    branch: str
    commit: str
    attempt: int
    by: str
    created_at: datetime | None
    started_at: datetime | None
    url: str

    @property
    def words(self) -> str:
        return self.conclusion or self.status if self.status == COMPLETED else self.status


@dataclass(frozen=True)
class Step:
    number: int
    name: str
    status: str
    conclusion: str


@dataclass(frozen=True)
class Job:
    id: str
    name: str
    status: str
    conclusion: str
    started_at: datetime | None
    completed_at: datetime | None
    runner: str
    url: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Approval:
    """An environment that the run waits for, and who may let it in; `by_us` is whether this token may."""

    environment: str
    environment_id: int
    by_us: bool
    reviewers: tuple[str, ...]


class RunReadings:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def list(self, request: ListRuns) -> Sequence[Run]:
        params = {
            "head_sha": request.commit or None,
            "branch": request.branch or None,
            "event": request.event or None,
            "status": request.status or None,
        }
        path = self._client.at("actions", "runs")
        return await self._client.fetch_all(path, parse_runs, params, at_most=min(request.limit, RUNS_AT_MOST))

    async def show(self, request: ShowRun) -> Run:
        return await self._client.fetch(self._client.at("actions", "runs", request.run), parse_run)

    async def list_jobs(self, request: ShowRun) -> Sequence[Job]:
        """Those of the latest attempt."""
        path = self._client.at("actions", "runs", request.run, "jobs")
        return await self._client.fetch_all(path, parse_jobs, {"filter": "latest"})

    async def list_approvals(self, request: ShowRun) -> Sequence[Approval]:
        """The environments that the run waits for now."""
        return await fetch_approvals(self._client, str(request.run))


async def fetch_approvals(client: GitHubClient, run: str) -> Sequence[Approval]:
    return await client.fetch(client.at("actions", "runs", run, "pending_deployments"), parse_approvals)


def judge_run(run: Run, reference: str) -> Operation:
    """How a run stands as an operation. A conclusion that is not known here leaves it open: doubt is never a pass."""
    status = OperationStatus.RUNNING
    if run.status == COMPLETED:
        status = ENDS.get(run.conclusion, OperationStatus.RUNNING)
    return Operation(reference, status, f"{run.workflow}: {run.words}", {"run": run.id, "url": run.url})


def parse_run(node: object) -> Run:
    return Run(
        id=need_text(node, "id"),
        workflow=text(node, "name") or text(node, "path"),
        title=text(node, "display_title"),
        event=text(node, "event"),
        status=text(node, "status"),
        conclusion=text(node, "conclusion"),
        branch=text(node, "head_branch"),
        commit=text(node, "head_sha"),
        attempt=whole(node, "run_attempt") or 1,
        by=text(node, "triggering_actor", "login") or text(node, "actor", "login"),
        created_at=moment(node, "created_at"),
        started_at=moment(node, "run_started_at"),
        url=text(node, "html_url"),
    )


def parse_runs(node: object) -> Sequence[Run]:
    return [parse_run(one) for one in need_items(node, "workflow_runs")]


def parse_jobs(node: object) -> Sequence[Job]:
    return [
        Job(
            id=need_text(one, "id"),
            name=text(one, "name"),
            status=text(one, "status"),
            conclusion=text(one, "conclusion"),
            started_at=moment(one, "started_at"),
            completed_at=moment(one, "completed_at"),
            runner=text(one, "runner_name"),
            url=text(one, "html_url"),
            steps=tuple(
                Step(whole(step, "number") or 0, text(step, "name"), text(step, "status"), text(step, "conclusion"))
                for step in items(one, "steps")
            ),
        )
        for one in need_items(node, "jobs")
    ]


def parse_approvals(node: object) -> Sequence[Approval]:
    return [
        Approval(
            environment=need_text(one, "environment", "name"),
            environment_id=whole(one, "environment", "id") or 0,
            by_us=flag(one, "current_user_can_approve") or False,
            reviewers=tuple(
                text(who, "reviewer", "login") or text(who, "reviewer", "slug") for who in items(one, "reviewers")
            ),
        )
        for one in need_items(node)
    ]
