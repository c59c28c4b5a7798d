"""Secret files of a service, one by one: Render's other way replaces the whole list, and drops what is not named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from providers import wire
from providers.ensuring import Sealed, Setting, is_kept
from providers.http import segment
from providers.render.client import RenderClient
from providers.render.services import OneService, ServiceId


@dataclass(frozen=True)
class PutSecretFile:
    service: ServiceId
    name: Annotated[str, "name of the file, as the service finds it below /etc/secrets"]
    content: Annotated[str, "the whole text of it; a secret"]


@dataclass(frozen=True)
class RemoveSecretFile:
    service: ServiceId
    name: Annotated[str, "name of the file"]


def parse_file(body: object) -> tuple[str, str]:
    return wire.need_text(body, "name"), wire.text(body, "content")


class SecretFiles:
    def __init__(self, client: RenderClient) -> None:
        self.client = client

    async def fetch_names(self, request: OneService) -> Sequence[str]:
        """Names only: the contents are secrets."""
        return sorted(dict(await self.client.fetch_list(_path(request.service), "secretFile", parse_file)))

    async def find_files(self, service: str) -> Mapping[str, str] | None:
        """None for a service that Render does not know."""
        found = await self.client.fetch_list_or_none(_path(service), "secretFile", parse_file)
        return None if found is None else dict(found)


def make_put_file(files: SecretFiles) -> Setting[PutSecretFile]:
    async def holds(request: PutSecretFile) -> bool | None:
        known = await files.find_files(request.service) or {}
        return is_kept(known.get(request.name), request.content)

    async def write(request: PutSecretFile) -> None:
        path = f"{_path(request.service)}/{segment(request.name)}"
        await files.client.http.send("PUT", path, json={"content": request.content})

    def say(request: PutSecretFile) -> str:
        return f"{request.name} is written; the next deploy takes it"

    sealed = Sealed(files.client.http, ("content",))
    return Setting(PutSecretFile, holds=holds, write=write, say=say, sealed=sealed)


def make_remove_file(files: SecretFiles) -> Setting[RemoveSecretFile]:
    async def holds(request: RemoveSecretFile) -> bool | None:
        known = await files.find_files(request.service)
        return None if known is None else request.name not in known

    async def write(request: RemoveSecretFile) -> None:
        await files.client.http.send("DELETE", f"{_path(request.service)}/{segment(request.name)}", accept=(404,))

    def say(request: RemoveSecretFile) -> str:
        return f"{request.name} is gone; the next deploy leaves it out"

    return Setting(RemoveSecretFile, holds=holds, write=write, say=say)


def _path(service: str) -> str:
    return f"/services/{segment(service)}/secret-files"
