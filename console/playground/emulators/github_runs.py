"""Workflow runs as they go by the clock: queued, waiting for somebody, running, ended. Nothing runs behind."""

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import iso_seconds
from console.playground.releases import Release

Json = dict[str, Any]
QUEUED_FOR, RUNS_FOR, STOPS_WITHIN = 2.0, 12.0, 1.0
JOBS = ("build", "deploy")
KEPT_FOR = 90 * 86_400


@dataclass
class Workflow:
    """`inputs` are the names that a dispatch may give."""

    id: int
    name: str
    file: str
    inputs: tuple[str, ...] = ()
    state: str = "active"


@dataclass
class Attempt:
    """One go at a run. `waits_for` names an environment whose reviewers have not decided yet."""

    started_at: float
    outcome: str = "success"
    waits_for: str = ""
    decided_at: float | None = None
    decision: str = ""
    comment: str = ""
    cancelled_at: float | None = None

    def state_at(self, now: float) -> tuple[str, str | None]:
        """GitHub's status and conclusion."""
        if self.cancelled_at is not None:
            done = now >= self.cancelled_at + STOPS_WITHIN
            return ("completed", "cancelled") if done else ("in_progress", None)
        if self.waits_for and not self.decision:
            return "waiting", None
        if self.decision == "rejected":
            return "completed", "failure"
        gone = now - (self.decided_at or self.started_at)
        if gone < QUEUED_FOR:
            return "queued", None
        return ("in_progress", None) if gone < RUNS_FOR else ("completed", self.outcome)


@dataclass
class Run:
    id: int
    number: int
    workflow: Workflow
    event: str
    branch: str
    release: Release
    at: float
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def latest(self) -> Attempt:
        return self.attempts[-1]

    def job_id(self, place: int) -> int:
        return self.id * 10 + place

    def artifact_id(self) -> int:
        return self.id * 10 + 9


def job_log(run: Run, job: str) -> str:
    at = iso_seconds(run.latest.started_at).removesuffix("Z")
    lines = [f"{job} of {run.release.name}", "token is ***", "Cleaning up orphan processes"]
    return "\ufeff" + "".join(f"{at}.{number:07d}Z {line}\n" for number, line in enumerate(lines))


def archive(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in files.items():
            target.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


def run_logs(run: Run) -> bytes:
    whole = {f"{place}_{job}.txt": job_log(run, job) for place, job in enumerate(JOBS)}
    steps = {f"{job}/1_Set up job.txt": job_log(run, job) for job in JOBS}
    return archive({**whole, **steps})


def artifact_content(run: Run) -> bytes:
    return archive({"report.txt": f"All tests of {run.release.name} passed.\n", "out/sizes.json": '{"api": 7}\n'})


def run_json(api: str, full_name: str, run: Run, attempt: int, now: float) -> Json:
    at, web = f"{api}/repos/{full_name}", f"https://github.com/{full_name}"
    chosen = run.attempts[attempt - 1]
    status, conclusion = chosen.state_at(now)
    own = f"{at}/actions/runs/{run.id}"
    author = shapes.git_author(run.release)
    repository = shapes.minimal_repository(api, full_name)
    return {
        "id": run.id,
        "name": run.workflow.name,
        "node_id": shapes.node_id("WorkflowRun", run.id),
        "head_branch": run.branch,
        "head_sha": run.release.commit,
        "path": f".github/workflows/{run.workflow.file}",
        "display_title": run.release.message,
        "run_number": run.number,
        "run_attempt": attempt,
        "event": run.event,
        "status": status,
        "conclusion": conclusion,
        "workflow_id": run.workflow.id,
        "check_suite_id": run.id + 1,
        "check_suite_node_id": shapes.node_id("CheckSuite", run.id),
        "url": own,
        "html_url": f"{web}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": iso_seconds(run.at),
        "updated_at": iso_seconds(min(now, chosen.started_at + RUNS_FOR)),
        "run_started_at": iso_seconds(chosen.started_at),
        "actor": shapes.user(api),
        "triggering_actor": shapes.user(api),
        "jobs_url": f"{own}/jobs",
        "logs_url": f"{own}/logs",
        "check_suite_url": f"{at}/check-suites/{run.id + 1}",
        "artifacts_url": f"{own}/artifacts",
        "cancel_url": f"{own}/cancel",
        "rerun_url": f"{own}/rerun",
        "previous_attempt_url": f"{own}/attempts/{attempt - 1}" if attempt > 1 else None,
        "workflow_url": f"{at}/actions/workflows/{run.workflow.id}",
        "head_commit": {
            "id": run.release.commit,
            "tree_id": shapes.tree_sha(run.release),
            "message": run.release.message,
            "timestamp": author["date"],
            "author": {"name": author["name"], "email": author["email"]},
            "committer": {"name": author["name"], "email": author["email"]},
        },
        "repository": repository,
        "head_repository": repository,
    }


def job_json(api: str, full_name: str, run: Run, place: int, now: float) -> Json:
    at, number = f"{api}/repos/{full_name}", run.job_id(place)
    status, conclusion = run.latest.state_at(now)
    started = iso_seconds(run.latest.started_at)
    ended = iso_seconds(now) if status == "completed" else None
    step = {"completed": "completed", "in_progress": "in_progress"}.get(status, "queued")
    return {
        "id": number,
        "run_id": run.id,
        "run_url": f"{at}/actions/runs/{run.id}",
        "run_attempt": len(run.attempts),
        "node_id": shapes.node_id("CheckRun", number),
        "head_sha": run.release.commit,
        "head_branch": run.branch,
        "url": f"{at}/actions/jobs/{number}",
        "html_url": f"https://github.com/{full_name}/actions/runs/{run.id}/job/{number}",
        "status": status,
        "conclusion": conclusion,
        "created_at": started,
        "started_at": started,
        "completed_at": ended,
        "name": JOBS[place],
        "steps": [{"name": "Set up job", "status": step, "conclusion": conclusion, "number": 1}],
        "check_run_url": f"{at}/check-runs/{number}",
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "runner-1",
        "runner_group_id": 1,
        "runner_group_name": "default",
        "workflow_name": run.workflow.name,
    }


def artifact_json(api: str, full_name: str, run: Run, now: float) -> Json:
    number, made = run.artifact_id(), run.latest.started_at + RUNS_FOR
    own = f"{api}/repos/{full_name}/actions/artifacts/{number}"
    return {
        "id": number,
        "node_id": shapes.node_id("Artifact", number),
        "name": "build-report",
        "size_in_bytes": len(artifact_content(run)),
        "url": own,
        "archive_download_url": f"{own}/zip",
        "expired": now > made + KEPT_FOR,
        "created_at": iso_seconds(made),
        "expires_at": iso_seconds(made + KEPT_FOR),
        "updated_at": iso_seconds(made),
        "workflow_run": {"id": run.id, "head_branch": run.branch, "head_sha": run.release.commit},
    }


def workflow_json(api: str, full_name: str, workflow: Workflow, founded: float) -> Json:
    at, web = f"{api}/repos/{full_name}", f"https://github.com/{full_name}"
    return {
        "id": workflow.id,
        "node_id": shapes.node_id("Workflow", workflow.id),
        "name": workflow.name,
        "path": f".github/workflows/{workflow.file}",
        "state": workflow.state,
        "created_at": iso_seconds(founded),
        "updated_at": iso_seconds(founded),
        "url": f"{at}/actions/workflows/{workflow.id}",
        "html_url": f"{web}/blob/main/.github/workflows/{workflow.file}",
        "badge_url": f"{web}/workflows/{workflow.name}/badge.svg",
    }
