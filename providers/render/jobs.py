"""One-off jobs: a command that runs once, beside a service and made of the same build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.render.client import RenderClient
from providers.render.deploys import earliest, lost
from providers.render.services import OneService, ServiceId
from providers.stopping import Stopping

ENDS = {
    "succeeded": OperationStatus.SUCCEEDED,
    "failed": OperationStatus.FAILED,
    "canceled": OperationStatus.CANCELLED,
}
RUNNING = ("pending", "running")


@dataclass(frozen=True)
class RunJob:
    service: ServiceId
    command: Annotated[str, "the command, as `python -m shop.tidy`"]
    plan: Annotated[str, "size of the instance, as plan-srv-006; the service's own when left out"] = ""


@dataclass(frozen=True)
class CancelJob:
    service: ServiceId
    job: Annotated[str, "id of the job, as job-…"]


@dataclass(frozen=True)
class Job:
    """`status` keeps Render's word; a fresh job may have none."""

    id: str
    command: str
    plan: str
    status: str
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None


def parse_job(body: object) -> Job:
    return Job(
        id=wire.need_text(body, "id"),
        command=wire.text(body, "startCommand"),
        plan=wire.text(body, "planId"),
        status=wire.text(body, "status"),
        created_at=wire.moment(body, "createdAt"),
        started_at=wire.moment(body, "startedAt"),
        finished_at=wire.moment(body, "finishedAt"),
    )


class JobReader:
    def __init__(self, client: RenderClient) -> None:
        self.client = client

    async def fetch(self, request: OneService) -> Sequence[Job]:
        return await self.client.fetch_list(_path(request.service), "job", parse_job)

    async def observe(self, reference: str) -> Operation:
        service, _, job = reference.partition("/")
        if not service or not job:
            return lost(reference)
        found = await self.client.http.fetch_or_none(f"{_path(service)}/{segment(job)}", parse_job)
        return lost(reference) if found is None else describe(service, found)


def describe(service: str, job: Job) -> Operation:
    """A job as an operation. A word that is not known here means that it has not ended as far as we know."""
    reference, outputs = f"{service}/{job.id}", {"job": job.id}
    status = ENDS.get(job.status, OperationStatus.RUNNING)
    known = job.status in ENDS or job.status in RUNNING
    detail = job.status if known else f'Render says "{job.status}", a word not known here'
    return Operation(reference, status, detail if job.status else "begun", outputs)


class Jobs:
    """`Actuator[RunJob]`. Render takes no key: a job of the same command made since the wish counts as the wish's."""

    def __init__(self, reader: JobReader) -> None:
        self._reader = reader
        self._client = reader.client

    async def start(self, request: RunJob, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        body = {"startCommand": request.command, **({"planId": request.plan} if request.plan else {})}
        reply = await self._client.http.send("POST", _path(request.service), json=body)
        return describe(request.service, self._client.http.decode(reply, parse_job))

    async def observe(self, reference: str) -> Operation:
        return await self._reader.observe(reference)

    async def find(self, request: RunJob, key: OperationKey) -> Operation | None:
        jobs = await self._reader.fetch(OneService(request.service))
        since = earliest(self._client, key.intended_at)
        made = [job for job in jobs if job.command == request.command and job.created_at and job.created_at >= since]
        return describe(request.service, made[-1]) if made else None


def make_cancel(reader: JobReader) -> Stopping[CancelJob]:
    async def stop(reference: str) -> None:
        service, _, job = reference.partition("/")
        await reader.client.http.send("POST", f"{_path(service)}/{segment(job)}/cancel", repeatable=True)

    return Stopping(lambda request: f"{request.service}/{request.job}", look=reader.observe, stop=stop)


def _path(service: str) -> str:
    return f"/services/{segment(service)}/jobs"
