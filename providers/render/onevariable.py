"""Environment variables of a service, one by one, by hand. They take effect with the next deploy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from providers.ensuring import Sealed, Setting, is_kept
from providers.render.client import RenderClient
from providers.render.services import OneService, ServiceId


@dataclass(frozen=True)
class SetVariable:
    service: ServiceId
    name: Annotated[str, "name of the variable"]
    value: Annotated[str, "its value; a secret"]


@dataclass(frozen=True)
class RemoveVariable:
    service: ServiceId
    name: Annotated[str, "name of the variable"]


class VariableNames:
    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch(self, request: OneService) -> Sequence[str]:
        """Names only: the values may be secrets."""
        return sorted(await self._client.fetch_variables(request.service))


def make_set_variable(client: RenderClient) -> Setting[SetVariable]:
    async def holds(request: SetVariable) -> bool | None:
        known = await client.fetch_variables_or_none(request.service) or {}
        return is_kept(known.get(request.name), request.value)

    async def write(request: SetVariable) -> None:
        await client.put_variable(request.service, request.name, request.value)

    def say(request: SetVariable) -> str:
        return f"{request.name} is set; the next deploy takes it"

    sealed = Sealed(client.http, ("value",))
    return Setting(SetVariable, holds=holds, write=write, say=say, sealed=sealed)


def make_remove_variable(client: RenderClient) -> Setting[RemoveVariable]:
    async def holds(request: RemoveVariable) -> bool | None:
        known = await client.fetch_variables_or_none(request.service)
        return None if known is None else request.name not in known

    async def write(request: RemoveVariable) -> None:
        await client.delete_variable(request.service, request.name)

    def say(request: RemoveVariable) -> str:
        return f"{request.name} is gone; the next deploy leaves it out"

    return Setting(RemoveVariable, holds=holds, write=write, say=say)
