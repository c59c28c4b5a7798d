"""Env groups: variables and secret files that several services share; changes take effect with their next deploy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from providers import wire
from providers.http import segment
from providers.render.client import RenderClient
from providers.render.sealed import Sealed
from providers.render.services import ServiceId
from providers.setting import Setting

GroupId = Annotated[str, "id of the env group, as evg-…"]


@dataclass(frozen=True)
class OneGroup:
    group: GroupId


@dataclass(frozen=True)
class SetGroupVariable:
    group: GroupId
    name: Annotated[str, "name of the variable"]
    value: Annotated[str, "its value; a secret"]


@dataclass(frozen=True)
class RemoveGroupVariable:
    group: GroupId
    name: Annotated[str, "name of the variable"]


@dataclass(frozen=True)
class PutGroupFile:
    group: GroupId
    name: Annotated[str, "name of the file"]
    content: Annotated[str, "the whole text of it; a secret"]


@dataclass(frozen=True)
class RemoveGroupFile:
    group: GroupId
    name: Annotated[str, "name of the file"]


@dataclass(frozen=True)
class LinkGroup:
    group: GroupId
    service: ServiceId


@dataclass(frozen=True)
class UnlinkGroup:
    group: GroupId
    service: ServiceId


@dataclass(frozen=True)
class Group:
    """A group without its values. A listed one has neither names of variables nor of files: Render keeps them back."""

    id: str
    name: str
    services: tuple[str, ...]
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """A group with its values; stays inside the adapter."""

    group: Group
    variables: dict[str, str]
    files: dict[str, str]


def parse_contents(body: object) -> Contents:
    variables = {wire.need_text(row, "key"): wire.text(row, "value") for row in wire.items(body, "envVars")}
    files = {wire.need_text(row, "name"): wire.text(row, "content") for row in wire.items(body, "secretFiles")}
    return Contents(
        Group(
            id=wire.need_text(body, "id"),
            name=wire.text(body, "name"),
            services=tuple(wire.text(row, "id") for row in wire.items(body, "serviceLinks")),
            variables=tuple(sorted(variables)),
            files=tuple(sorted(files)),
        ),
        variables,
        files,
    )


def parse_group(body: object) -> Group:
    return parse_contents(body).group


class Groups:
    def __init__(self, client: RenderClient, owner: str) -> None:
        self.client = client
        self._owner = owner

    async def fetch_groups(self, request: object) -> Sequence[Group]:
        """Not wrapped, and so without cursors: at most the first hundred."""
        return await self.client.fetch_list("/env-groups", "envGroup", parse_group, {"ownerId": self._owner or None})

    async def fetch_group(self, request: OneGroup) -> Group:
        return await self.client.http.fetch(_path(request.group), parse_group)

    async def find(self, group: str) -> Contents | None:
        """None for a group that Render does not know, also for a name that cannot be one's id."""
        return await self.client.http.fetch_or_none(_path(group), parse_contents) if group else None

    async def put(self, group: str, what: str, name: str, body: dict[str, str]) -> None:
        await self.client.http.send("PUT", f"{_path(group)}/{what}/{segment(name)}", json=body)

    async def drop(self, group: str, what: str, name: str) -> None:
        await self.client.http.send("DELETE", f"{_path(group)}/{what}/{segment(name)}", accept=(404,))


def make_set_variable(groups: Groups) -> Sealed[SetGroupVariable]:
    async def fetch(request: SetGroupVariable) -> str | None:
        found = await groups.find(request.group)
        return found.variables.get(request.name) if found else None

    async def write(request: SetGroupVariable) -> None:
        await groups.put(request.group, "env-vars", request.name, {"value": request.value})

    def say(request: SetGroupVariable) -> str:
        return f"{request.name} is set in {request.group}"

    return Sealed(SetGroupVariable, "value", http=groups.client.http, fetch=fetch, write=write, say=say)


def make_remove_variable(groups: Groups) -> Setting[RemoveGroupVariable]:
    async def holds(request: RemoveGroupVariable) -> bool | None:
        found = await groups.find(request.group)
        return None if found is None else request.name not in found.variables

    async def write(request: RemoveGroupVariable) -> None:
        await groups.drop(request.group, "env-vars", request.name)

    return Setting(RemoveGroupVariable, holds=holds, write=write, say=lambda request: f"{request.name} is gone")


def make_put_file(groups: Groups) -> Sealed[PutGroupFile]:
    async def fetch(request: PutGroupFile) -> str | None:
        found = await groups.find(request.group)
        return found.files.get(request.name) if found else None

    async def write(request: PutGroupFile) -> None:
        await groups.put(request.group, "secret-files", request.name, {"content": request.content})

    def say(request: PutGroupFile) -> str:
        return f"{request.name} is written in {request.group}"

    return Sealed(PutGroupFile, "content", http=groups.client.http, fetch=fetch, write=write, say=say)


def make_remove_file(groups: Groups) -> Setting[RemoveGroupFile]:
    async def holds(request: RemoveGroupFile) -> bool | None:
        found = await groups.find(request.group)
        return None if found is None else request.name not in found.files

    async def write(request: RemoveGroupFile) -> None:
        await groups.drop(request.group, "secret-files", request.name)

    return Setting(RemoveGroupFile, holds=holds, write=write, say=lambda request: f"{request.name} is gone")


def make_link(groups: Groups) -> Setting[LinkGroup]:
    async def holds(request: LinkGroup) -> bool | None:
        found = await groups.find(request.group)
        return None if found is None else request.service in found.group.services

    async def write(request: LinkGroup) -> None:
        path = f"{_path(request.group)}/services/{segment(request.service)}"
        await groups.client.http.send("POST", path, repeatable=True)

    return Setting(LinkGroup, holds=holds, write=write, say=lambda request: f"{request.service} sees {request.group}")


def make_unlink(groups: Groups) -> Setting[UnlinkGroup]:
    async def holds(request: UnlinkGroup) -> bool | None:
        found = await groups.find(request.group)
        return None if found is None else request.service not in found.group.services

    async def write(request: UnlinkGroup) -> None:
        path = f"{_path(request.group)}/services/{segment(request.service)}"
        await groups.client.http.send("DELETE", path, accept=(404,))

    def say(request: UnlinkGroup) -> str:
        return f"{request.service} no longer sees {request.group}"

    return Setting(UnlinkGroup, holds=holds, write=write, say=say)


def _path(group: str) -> str:
    return f"/env-groups/{segment(group)}"
