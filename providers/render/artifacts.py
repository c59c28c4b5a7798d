"""Deploy something that is built already: an image, or a build that several services share.

Blue and green get the same artifact this way. Build sources are of autumn 2026: paths and shapes come from Render's own
SDK (PyPI render 1.5.0), since its document of August 2026 does not have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.render.client import RenderClient
from providers.render.deploys import Beginner, DeployReader, earliest, lost
from providers.render.services import ServiceId

BUILD_ENDS = {
    "succeeded": OperationStatus.SUCCEEDED,
    "failed": OperationStatus.FAILED,
    "canceled": OperationStatus.CANCELLED,
}
BUILD_RUNS = ("created", "inProgress", "unknown", "")
SourceId = Annotated[str, "id of the build source"]


@dataclass(frozen=True)
class DeployImage:
    service: ServiceId
    image: Annotated[str, "the image with tag or digest; host and name must be those of the service"]


@dataclass(frozen=True)
class DeployBuild:
    service: ServiceId
    build: Annotated[str, "id of a build that has succeeded"]


@dataclass(frozen=True)
class StartBuild:
    source: SourceId


@dataclass(frozen=True)
class OneSource:
    source: SourceId


@dataclass(frozen=True)
class BuildSource:
    id: str
    name: str
    services: tuple[str, ...]


@dataclass(frozen=True)
class Build:
    """`status` keeps Render's word; a build of an image has none, and can be deployed as soon as it is there."""

    id: str
    status: str
    commit: str
    image: str
    created_at: datetime | None


def parse_source(body: object) -> BuildSource:
    linked = tuple(wire.text(row, "id") for row in wire.items(body, "serviceLinks"))
    return BuildSource(wire.need_text(body, "id"), wire.text(body, "name"), linked)


def parse_build(body: object) -> Build:
    image = wire.text(body, "image", "ref")
    return Build(
        id=wire.need_text(body, "id"),
        status="succeeded" if image else wire.text(body, "buildRun", "status"),
        commit=wire.text(body, "buildRun", "commitId"),
        image=image,
        created_at=wire.moment(body, "createdAt"),
    )


class ImageDeploys:
    """`Actuator[DeployImage]`."""

    def __init__(self, reader: DeployReader) -> None:
        self._beginner = Beginner(reader)

    async def start(self, request: DeployImage, key: OperationKey) -> Operation:
        return await self._beginner.start(request.service, "imageUrl", request.image, key)

    async def observe(self, reference: str) -> Operation:
        return await self._beginner.reader.observe(reference)

    async def find(self, request: DeployImage, key: OperationKey) -> Operation | None:
        return await self._beginner.find(request.service, request.image, key)


class BuildDeploys:
    """`Actuator[DeployBuild]`."""

    def __init__(self, reader: DeployReader) -> None:
        self._beginner = Beginner(reader)

    async def start(self, request: DeployBuild, key: OperationKey) -> Operation:
        return await self._beginner.start(request.service, "buildId", request.build, key)

    async def observe(self, reference: str) -> Operation:
        return await self._beginner.reader.observe(reference)

    async def find(self, request: DeployBuild, key: OperationKey) -> Operation | None:
        return await self._beginner.find(request.service, request.build, key)


class Builds:
    """`Actuator[StartBuild]`, and what there is to deploy. References are `<source>/<build>`."""

    def __init__(self, client: RenderClient, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def fetch_sources(self, request: object) -> Sequence[BuildSource]:
        return await self._client.fetch_list("/build-sources", "buildSource", parse_source, self._asked())

    async def fetch_builds(self, request: OneSource) -> Sequence[Build]:
        return await self._client.fetch_list(_path(request.source), "build", parse_build)

    async def start(self, request: StartBuild, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        reply = await self._client.http.send("POST", _path(request.source))
        return _describe(request.source, self._client.http.decode(reply, parse_build))

    async def observe(self, reference: str) -> Operation:
        source, _, build = reference.partition("/")
        if not source or not build:
            return lost(reference)
        found = await self._client.http.fetch_or_none(f"{_path(source)}/{segment(build)}", parse_build)
        return lost(reference) if found is None else _describe(source, found)

    async def find(self, request: StartBuild, key: OperationKey) -> Operation | None:
        builds = await self.fetch_builds(OneSource(request.source))
        since = earliest(self._client, key.intended_at)
        made = [build for build in builds if build.created_at and build.created_at >= since]
        return _describe(request.source, made[-1]) if made else None

    def _asked(self) -> dict[str, object]:
        return {"ownerId": self._owner or None}


def _describe(source: str, build: Build) -> Operation:
    status = BUILD_ENDS.get(build.status, OperationStatus.RUNNING)
    known = build.status in BUILD_ENDS or build.status in BUILD_RUNS
    detail = (build.status or "begun") if known else f'Render says "{build.status}", a word not known here'
    return Operation(f"{source}/{build.id}", status, detail, {"build": build.id, "commit": build.commit})


def _path(source: str) -> str:
    return f"/build-sources/{segment(source)}/builds"
