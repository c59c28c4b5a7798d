"""Pausing a project: the nearest that Vercel has to suspending a service. Its domains answer nothing meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from providers.ensuring import Setting
from providers.vercel.client import VercelClient

Request = TypeVar("Request")


def power(
    client: VercelClient, kind: type[Request], project_of: Callable[[Request], str], on: bool
) -> Setting[Request]:
    """Actuator of requests that pause a project, or with `on` bring it back."""

    async def holds(request: Request) -> bool | None:
        project = await client.fetch_project_or_none(project_of(request))
        return project.paused is not on if project else None

    async def write(request: Request) -> None:
        project = await client.fetch_project(project_of(request))
        await client.pause_project(project.id, not on)

    words = "serving again" if on else "paused: its domains answer nothing"
    return Setting(kind, holds=holds, write=write, say=lambda request: words)
