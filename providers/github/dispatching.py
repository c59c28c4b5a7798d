"""Begin a workflow by hand, and know which run it became.

GitHub takes no idempotency key and, unless it is asked to, answers a dispatch with nothing. It is asked to; a server
that is too old for that is searched for the oldest run of that workflow and reference that began after the wish. Two
people who begin the same workflow within two seconds are therefore one, which is what they mean anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from console.domain.errors import Rejected
from providers.contract import Nothing, Operation, OperationKey, OperationStatus
from providers.ensuring import Setting
from providers.github.client import PAGE, GitHubClient
from providers.github.runs import Run, judge_run, parse_run, parse_runs
from providers.http import Reply
from providers.wire import need_items, need_text, text

ACTIVE = "active"
NEWER = "return_run_details"
CLOCK_TOLERANCE = timedelta(seconds=2)
LISTED_WITHIN = timedelta(minutes=5)
"""A run that has not shown itself by then never began."""
LOOKS, LOOK_EVERY = 3, 1.0


@dataclass(frozen=True)
class Dispatch:
    workflow: Annotated[str, "its file name, as deploy.yml, or its id"]
    ref: Annotated[str, "the branch or tag to run on"] = "main"
    inputs: Annotated[Mapping[str, str], "what the workflow asks for"] = field(default_factory=dict)


@dataclass(frozen=True)
class SetWorkflow:
    workflow: Annotated[str, "its file name, as deploy.yml, or its id"]
    enabled: Annotated[bool, "whether events and people may begin it"]


@dataclass(frozen=True)
class Workflow:
    """`state` is GitHub's word; anything but active means that nothing begins it."""

    id: str
    name: str
    path: str
    state: str
    url: str


class Workflows:
    """The workflows of the repository, and whether they are in force."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self.setting = Setting(SetWorkflow, holds=self._holds, write=self._write, say=_say)

    async def list(self, request: Nothing) -> Sequence[Workflow]:
        return await self._client.fetch_all(self._client.at("actions", "workflows"), _parse_workflows)

    async def _holds(self, request: SetWorkflow) -> bool | None:
        path = self._client.at("actions", "workflows", request.workflow)
        found = await self._client.fetch_or_none(path, parse_workflow)
        return None if found is None else (found.state == ACTIVE) is request.enabled

    async def _write(self, request: SetWorkflow) -> None:
        verb = "enable" if request.enabled else "disable"
        await self._client.http.send("PUT", self._client.at("actions", "workflows", request.workflow, verb))


class Dispatching:
    """`Actuator[Dispatch]`. References are ids of runs, or `workflow@ref@time` while GitHub has not named one."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def start(self, request: Dispatch, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        reply = await self._dispatch(request)
        if reply.json is not None:
            run = self._client.http.decode(reply, lambda node: need_text(node, "workflow_run_id"))
            outputs = {"run": run, "url": text(reply.json, "html_url")}
            return Operation(run, OperationStatus.RUNNING, f"{request.workflow}: asked for", outputs)
        for _ in range(LOOKS):
            await self._client.http.sleep(LOOK_EVERY)
            found = await self.find(request, key)
            if found is not None:
                return found
        reference = f"{request.workflow}@{request.ref}@{self._since(key).isoformat()}"
        return Operation(reference, OperationStatus.RUNNING, f"{request.workflow}: asked for, not listed yet")

    async def observe(self, reference: str) -> Operation:
        if "@" in reference:
            return await self._await(reference)
        found = None
        if reference.isdigit():
            found = await self._client.fetch_or_none(self._client.at("actions", "runs", reference), parse_run)
        return judge_run(found, reference) if found else _lost(reference)

    async def find(self, request: Dispatch, key: OperationKey) -> Operation | None:
        found = await self._search(request.workflow, request.ref, self._since(key))
        return judge_run(found, found.id) if found else None

    async def _dispatch(self, request: Dispatch) -> Reply:
        path = self._client.at("actions", "workflows", request.workflow, "dispatches")
        wish: dict[str, Any] = {"ref": request.ref, "inputs": dict(request.inputs)}
        try:
            return await self._client.http.send("POST", path, json={**wish, NEWER: True})
        except Rejected as refusal:
            if NEWER not in refusal.what:
                raise
            return await self._client.http.send("POST", path, json=wish)

    async def _await(self, reference: str) -> Operation:
        workflow, ref, written = [*reference.rsplit("@", 2), "", ""][:3]
        try:
            since = datetime.fromisoformat(written)
        except ValueError:
            return _lost(reference)
        found = await self._search(workflow, ref, since)
        if found is not None:
            return judge_run(found, reference)
        if self._client.http.platform_time(self._client.http.clock()) - since > LISTED_WITHIN:
            return _lost(reference)
        return Operation(reference, OperationStatus.RUNNING, f"{workflow}: asked for, not listed yet")

    async def _search(self, workflow: str, ref: str, since: datetime) -> Run | None:
        path = self._client.at("actions", "workflows", workflow, "runs")
        listed = await self._client.fetch_all(path, parse_runs, {"event": "workflow_dispatch"}, at_most=PAGE)
        name = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
        ours = [run for run in listed if run.branch == name and run.created_at and run.created_at >= since]
        return min(ours, key=lambda run: int(run.id), default=None)

    def _since(self, key: OperationKey) -> datetime:
        return self._client.http.platform_time(key.intended_at) - CLOCK_TOLERANCE


def _lost(reference: str) -> Operation:
    return Operation(reference, OperationStatus.LOST, "GitHub knows no such run")


def _say(request: SetWorkflow) -> str:
    return f"{request.workflow} {'enabled' if request.enabled else 'disabled'}"


def parse_workflow(node: object) -> Workflow:
    return Workflow(
        need_text(node, "id"), text(node, "name"), text(node, "path"), text(node, "state"), text(node, "html_url")
    )


def _parse_workflows(node: object) -> Sequence[Workflow]:
    return [parse_workflow(one) for one in need_items(node, "workflows")]
