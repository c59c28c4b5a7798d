"""Pausing a project, the nearest that Vercel has to suspending a service, and whether a push goes live by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from providers.contract import SetAutoDeploy
from providers.ensuring import Setting

if TYPE_CHECKING:
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


def make_auto_deploy(client: VercelClient) -> Setting[SetAutoDeploy]:
    """Vercel builds every push; whether the build gets the production domains by itself is a setting of the project."""

    async def holds(request: SetAutoDeploy) -> bool | None:
        project = await client.fetch_project_or_none(request.target)
        return project.assigns_domains is request.on if project else None

    async def write(request: SetAutoDeploy) -> None:
        await client.assign_domains((await client.fetch_project(request.target)).id, request.on)

    def say(request: SetAutoDeploy) -> str:
        return "a push goes live again" if request.on else "pushes are built without going live"

    return Setting(SetAutoDeploy, holds=holds, write=write, say=say)
