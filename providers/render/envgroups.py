"""Env groups: variables and secret files that several services share; changes take effect with their next deploy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from providers import wire
from providers.ensuring import Sealed, Setting, is_kept
from providers.http import segment
from providers.render.client import RenderClient
from providers.render.services import ServiceId

VARIABLES, FILES = "env-vars", "secret-files"
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


Put = TypeVar("Put", SetGroupVariable, PutGroupFile)
Removal = TypeVar("Removal", RemoveGroupVariable, RemoveGroupFile)
Link = TypeVar("Link", LinkGroup, UnlinkGroup)


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
    """A group with its values, by Render's word for their kind; stays inside the adapter."""

    group: Group
    shelves: Mapping[str, Mapping[str, str]]


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
        {VARIABLES: variables, FILES: files},
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


def make_set_variable(groups: Groups) -> Setting[SetGroupVariable]:
    return _putting(groups, SetGroupVariable, VARIABLES, "value", "is set in")


def make_put_file(groups: Groups) -> Setting[PutGroupFile]:
    return _putting(groups, PutGroupFile, FILES, "content", "is written in")


def make_remove_variable(groups: Groups) -> Setting[RemoveGroupVariable]:
    return _removing(groups, RemoveGroupVariable, VARIABLES)


def make_remove_file(groups: Groups) -> Setting[RemoveGroupFile]:
    return _removing(groups, RemoveGroupFile, FILES)


def make_link(groups: Groups) -> Setting[LinkGroup]:
    async def write(path: str) -> None:
        await groups.client.http.send("POST", path, repeatable=True)

    return _linking(groups, LinkGroup, True, write, "sees")


def make_unlink(groups: Groups) -> Setting[UnlinkGroup]:
    async def write(path: str) -> None:
        await groups.client.http.send("DELETE", path, accept=(404,))

    return _linking(groups, UnlinkGroup, False, write, "no longer sees")


def _putting(groups: Groups, kind: type[Put], shelf: str, secret: str, verb: str) -> Setting[Put]:
    """`secret` is the field that holds it, at Render as well."""

    async def holds(request: Put) -> bool | None:
        found = await groups.find(request.group)
        return is_kept(found.shelves[shelf].get(request.name), getattr(request, secret)) if found else None

    async def write(request: Put) -> None:
        body = {secret: getattr(request, secret)}
        await groups.client.http.send("PUT", _path(request.group, shelf, request.name), json=body)

    def say(request: Put) -> str:
        return f"{request.name} {verb} {request.group}"

    return Setting(kind, holds=holds, write=write, say=say, sealed=Sealed(groups.client.http, (secret,)))


def _removing(groups: Groups, kind: type[Removal], shelf: str) -> Setting[Removal]:
    async def holds(request: Removal) -> bool | None:
        found = await groups.find(request.group)
        return None if found is None else request.name not in found.shelves[shelf]

    async def write(request: Removal) -> None:
        await groups.client.http.send("DELETE", _path(request.group, shelf, request.name), accept=(404,))

    return Setting(kind, holds=holds, write=write, say=lambda request: f"{request.name} is gone")


def _linking(
    groups: Groups, kind: type[Link], linked: bool, write: Callable[[str], Awaitable[None]], verb: str
) -> Setting[Link]:
    async def holds(request: Link) -> bool | None:
        found = await groups.find(request.group)
        return None if found is None else (request.service in found.group.services) is linked

    return Setting(
        kind,
        holds=holds,
        write=lambda request: write(_path(request.group, "services", request.service)),
        say=lambda request: f"{request.service} {verb} {request.group}",
    )


def _path(group: str, *rest: str) -> str:
    return "/".join(("/env-groups", *(segment(part) for part in (group, *rest))))
