"""Action runs: what pushing, merging and resetting a branch makes the platform do, step by step.

Supabase answers such a call with the id of a run and takes no key, so after a lost answer the run is found by branch
and time. A run does not say which of the three it is: two of them begun at the same branch within a second are one.
That all steps have exited does not say that it went well; the branch's own status does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from providers.ensuring import UNKNOWN, Standing, absent, done, failed, moving
from providers.http import segment
from providers.supabase.branches import FAILED, PASSED, Branches, BranchName, branch_path
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import ProjectRef, Row, fetch_text, project_path
from providers.traced import Traced
from providers.wire import flag, items, moment, need_items, text

MOST_RUNS = 50
UNSEEN_FOR = timedelta(minutes=10)
MigrationVersion = Annotated[str, "only up to this migration; empty for all"]


@dataclass(frozen=True)
class Runs:
    project: Annotated[str, "ref of the project, or of a branch's own project"]


@dataclass(frozen=True)
class RunLogs:
    project: Annotated[str, "ref of the project, or of a branch's own project"]
    run: Annotated[str, "id of the run"]


@dataclass(frozen=True)
class PushBranch:
    project: ProjectRef
    branch: BranchName
    migration_version: MigrationVersion = ""


@dataclass(frozen=True)
class MergeBranch:
    project: ProjectRef
    branch: BranchName
    migration_version: MigrationVersion = ""


@dataclass(frozen=True)
class ResetBranch:
    project: ProjectRef
    branch: BranchName
    migration_version: MigrationVersion = ""


Work = TypeVar("Work", PushBranch, MergeBranch, ResetBranch)


class ActionRuns:
    def __init__(self, client: SupabaseClient, branches: Branches) -> None:
        self._http = client.http
        self._branches = branches

    async def fetch_runs(self, request: Runs) -> Sequence[Row]:
        return [
            {
                "id": text(run, "id"),
                "branch_id": text(run, "branch_id"),
                "created_at": text(run, "created_at"),
                "steps": [f"{text(step, 'name')} {text(step, 'status')}" for step in items(run, "run_steps")],
            }
            for run in await self._list(request.project)
        ]

    async def fetch_logs(self, request: RunLogs) -> str:
        path = project_path(request.project, "actions", segment(request.run), "logs")
        return await fetch_text(self._http, path)

    def pushing(self) -> Traced[PushBranch]:
        return self._doing(PushBranch, "push")

    def merging(self) -> Traced[MergeBranch]:
        return self._doing(MergeBranch, "merge")

    def resetting(self) -> Traced[ResetBranch]:
        return self._doing(ResetBranch, "reset")

    def _doing(self, kind: type[Work], verb: str) -> Traced[Work]:
        async def look(request: Work, since: datetime) -> Standing:
            listed = await self._branches.list_all(request.project)
            branch = next((one for one in listed if text(one, "name") == request.branch), None)
            if branch is None:
                return UNKNOWN
            # A merge works on the parent, whose own row is the default branch.
            default = next((one for one in listed if flag(one, "is_default")), branch)
            worked_on = default if verb == "merge" else branch
            runs = await self._runs_since(request.project, branch, {text(branch, "id"), text(worked_on, "id")}, since)
            return _judge(verb, runs, text(worked_on, "status")) if runs else absent()

        async def write(request: Work) -> None:
            branch = await self._branches.find(request.project, request.branch)
            body = {"migration_version": request.migration_version} if request.migration_version else {}
            await self._http.send("POST", branch_path(branch, verb), json=body)

        return Traced(self._http, kind, look, write, unseen_for=UNSEEN_FOR)

    async def _list(self, ref: str) -> Sequence[object]:
        params = {"limit": MOST_RUNS}
        return await self._http.fetch(project_path(ref, "actions"), need_items, params)

    async def _runs_since(self, project: str, branch: object, ids: set[str], since: datetime) -> list[object]:
        """Runs of these branches, oldest first. They are listed with the project they work on; both are asked."""
        listed = [run for ref in (text(branch, "project_ref"), project) if ref for run in await self._list(ref)]
        ours = [(at, run) for run in listed if text(run, "branch_id") in ids and (at := moment(run, "created_at"))]
        unique = {text(run, "id"): (at, run) for at, run in ours if at >= since}
        return [run for _, run in sorted(unique.values(), key=lambda one: one[0])]


def _judge(verb: str, runs: Sequence[object], status: str) -> Standing:
    run, outputs = runs[0], {"run": text(runs[0], "id")}
    steps = [(text(step, "name"), text(step, "status")) for step in items(run, "run_steps")]
    died = next((name for name, word in steps if word == "DEAD"), "")
    if died:
        return failed(f"{verb}: {died} failed; `run-logs` has its words", **outputs)
    open_step = next((f"{name} {word}" for name, word in steps if word != "EXITED"), "")
    if open_step or not steps:
        return moving(f"{verb}: {open_step or 'no step has begun'}", **outputs)
    if len(runs) > 1:
        return done(f"{verb}: all steps ended, and another run followed", **outputs)
    if status in FAILED:
        return failed(f"{verb}: {status}", **outputs)
    return done(f"{verb}: {status}", **outputs) if status in PASSED else moving(f"{verb}: {status}", **outputs)
