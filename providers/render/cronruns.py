"""Runs of a cron job, outside its schedule. A run has no address of its own: how it went is told by events only.

Beginning a run cancels the one that is active. Render takes no key: a run that began since the wish, also by the
schedule at that very moment, counts as the wish's, since another one would cancel it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from providers import wire
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.render.client import RenderClient
from providers.render.deploys import earliest, lost
from providers.render.reasons import describe_failure
from providers.render.wire import Event
from providers.stopping import Stopping

STARTED, ENDED = "cron_job_run_started", "cron_job_run_ended"
ENDS = {
    "successful": OperationStatus.SUCCEEDED,
    "unsuccessful": OperationStatus.FAILED,
    "canceled": OperationStatus.CANCELLED,
}
CronJobId = Annotated[str, "id of the cron job, as crn-…"]


@dataclass(frozen=True)
class RunCronJob:
    cron_job: CronJobId


@dataclass(frozen=True)
class CancelCronRun:
    cron_job: CronJobId
    run: Annotated[str, "id of the run, as its start told it; a later run is left alone"]


class CronRunReader:
    def __init__(self, client: RenderClient) -> None:
        self.client = client

    async def observe(self, reference: str) -> Operation:
        cron_job, _, run = reference.partition("/")
        service = await self.client.fetch_service_or_none(cron_job) if cron_job and run else None
        if service is None:
            return lost(reference)
        events = [event for event in await self.client.fetch_events(cron_job, (ENDED, STARTED)) if _run(event) == run]
        ended = next((event for event in events if event.type == ENDED), None)
        if ended is not None:
            return _describe_end(reference, run, ended)
        if not events:
            return lost(reference)
        return Operation(reference, OperationStatus.RUNNING, "running", {"run": run})

    async def find_since(self, cron_job: str, key: OperationKey) -> str:
        """The oldest run that began since the wish, "" for none."""
        await self.client.fetch_service(cron_job)
        events = await self.client.fetch_events(cron_job, (STARTED,), earliest(self.client, key.intended_at))
        return _run(events[-1]) if events else ""

    async def is_active(self, cron_job: str, run: str) -> bool:
        """Whether that run is the newest one and has not ended: what a cancellation would stop."""
        events: Sequence[Event] = await self.client.fetch_events(cron_job, (STARTED,))
        return bool(events) and _run(events[0]) == run


def _run(event: Event) -> str:
    return wire.text(event.details, "cronJobRunId")


def _describe_end(reference: str, run: str, ended: Event) -> Operation:
    word = wire.text(ended.details, "status")
    status, reason = ENDS.get(word, OperationStatus.RUNNING), describe_failure(wire.table(ended.details, "reason"))
    detail = word if word in ENDS else f'Render says "{word}", a word not known here'
    return Operation(reference, status, f"{detail}: {reason}" if reason else detail, {"run": run})


class CronRuns:
    """`Actuator[RunCronJob]`. References are `crn-…/<run>`."""

    def __init__(self, reader: CronRunReader) -> None:
        self._reader = reader

    async def start(self, request: RunCronJob, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        http = self._reader.client.http
        reply = await http.send("POST", f"/cron-jobs/{segment(request.cron_job)}/runs")
        run = http.decode(reply, lambda body: wire.need_text(body, "id"))
        return Operation(f"{request.cron_job}/{run}", OperationStatus.RUNNING, "begun", {"run": run})

    async def observe(self, reference: str) -> Operation:
        return await self._reader.observe(reference)

    async def find(self, request: RunCronJob, key: OperationKey) -> Operation | None:
        run = await self._reader.find_since(request.cron_job, key)
        return await self._reader.observe(f"{request.cron_job}/{run}") if run else None


def make_cancel(reader: CronRunReader) -> Stopping[CancelCronRun]:
    """Render cancels whatever is active, so it is asked only while that is the run meant."""

    async def stop(reference: str) -> None:
        cron_job, _, run = reference.partition("/")
        if await reader.is_active(cron_job, run):
            await reader.client.http.send("DELETE", f"/cron-jobs/{segment(cron_job)}/runs")

    return Stopping(lambda request: f"{request.cron_job}/{request.run}", look=reader.observe, stop=stop)
