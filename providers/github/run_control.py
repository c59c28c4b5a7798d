"""What is done to a run that exists: again, stopped, let into an environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, OperationStatus
from providers.ensuring import Setting
from providers.github.client import GitHubClient
from providers.github.runs import COMPLETED, Run, fetch_approvals, judge_run, parse_run
from providers.wire import items, need_items, text

CLOCK_TOLERANCE = timedelta(seconds=2)


@dataclass(frozen=True)
class Rerun:
    run: Annotated[int, "the run's id"]
    failed_only: Annotated[bool, "only the jobs that failed, and those behind them"] = False


@dataclass(frozen=True)
class CancelRun:
    run: Annotated[int, "the run's id"]
    force: Annotated[bool, "also past steps that always run"] = False


@dataclass(frozen=True)
class ReviewDeployment:
    run: Annotated[int, "the run that waits"]
    environment: Annotated[str, "the environment that it waits for"]
    approve: Annotated[bool, "let it in; no sends it away"] = True
    comment: Annotated[str, "why"] = ""


class Rerunning:
    """`Actuator[Rerun]`: GitHub counts attempts and says when the latest began. References are `run/attempt`."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def start(self, request: Rerun, key: OperationKey) -> Operation:
        run = await self._client.fetch(self._at(request.run), parse_run)
        if self._is_ours(run, key):
            return _attempt(run)
        verb = "rerun-failed-jobs" if request.failed_only else "rerun"
        await self._client.http.send("POST", f"{self._at(request.run)}/{verb}", json={})
        words = f"{run.workflow}: attempt {run.attempt + 1} asked for"
        outputs = {"run": run.id, "url": run.url}
        return Operation(f"{run.id}/{run.attempt + 1}", OperationStatus.RUNNING, words, outputs)

    async def observe(self, reference: str) -> Operation:
        run, _, attempt = reference.partition("/")
        found = None
        if run.isdigit() and attempt.isdigit():
            found = await self._client.fetch_or_none(f"{self._at(run)}/attempts/{attempt}", parse_run)
        if found is None:
            return Operation(reference, OperationStatus.LOST, "GitHub knows no such attempt")
        return judge_run(found, reference)

    async def find(self, request: Rerun, key: OperationKey) -> Operation | None:
        run = await self._client.fetch(self._at(request.run), parse_run)
        return _attempt(run) if self._is_ours(run, key) else None

    def _at(self, run: object) -> str:
        return self._client.at("actions", "runs", run)

    def _is_ours(self, run: Run, key: OperationKey) -> bool:
        since = self._client.http.platform_time(key.intended_at) - CLOCK_TOLERANCE
        return run.attempt > 1 and run.started_at is not None and run.started_at >= since


class Cancelling:
    """Cancelling what has ended succeeds and changes nothing."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self.setting = Setting(
            CancelRun, holds=self._holds, write=self._write, say=lambda request: f"run {request.run} ended"
        )

    async def _holds(self, request: CancelRun) -> bool | None:
        run = await self._client.fetch_or_none(self._client.at("actions", "runs", request.run), parse_run)
        return None if run is None else run.status == COMPLETED

    async def _write(self, request: CancelRun) -> None:
        """409 means that it ended while we asked."""
        verb = "force-cancel" if request.force else "cancel"
        await self._client.http.send("POST", self._client.at("actions", "runs", request.run, verb), accept=(409,))


class Reviewing:
    """Say yes or no to a run that waits for an environment. What was said first counts."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self.setting = Setting(ReviewDeployment, holds=self._holds, write=self._write, say=_say)

    async def _holds(self, request: ReviewDeployment) -> bool | None:
        path = self._client.at("actions", "runs", request.run, "approvals")
        given = await self._client.fetch_or_none(path, parse_decisions)
        if given is None:
            return None
        pending = await fetch_approvals(self._client, str(request.run))
        waits = any(one.environment == request.environment for one in pending)
        return not waits and (request.environment, _word(request)) in given

    async def _write(self, request: ReviewDeployment) -> None:
        pending = await fetch_approvals(self._client, str(request.run))
        ids = [one.environment_id for one in pending if one.environment == request.environment]
        if not ids:
            raise Rejected(
                self._client.http.provider,
                f"Run {request.run} does not wait for {request.environment}.",
                f"it waits for {', '.join(one.environment for one in pending) or 'nothing'}",
                "Look at the reading `approvals`; it may not have come that far, or somebody has decided already.",
            )
        wish = {"environment_ids": ids, "state": _word(request), "comment": request.comment}
        path = self._client.at("actions", "runs", request.run, "pending_deployments")
        await self._client.change("POST", path, wish, need_items)


def parse_decisions(node: object) -> set[tuple[str, str]]:
    """Environments and what was decided on them, in GitHub's words."""
    return {
        (text(environment, "name"), text(one, "state"))
        for one in need_items(node)
        for environment in items(one, "environments")
    }


def _attempt(run: Run) -> Operation:
    return judge_run(run, f"{run.id}/{run.attempt}")


def _word(request: ReviewDeployment) -> str:
    return "approved" if request.approve else "rejected"


def _say(request: ReviewDeployment) -> str:
    return f"run {request.run} {_word(request)} for {request.environment}"
