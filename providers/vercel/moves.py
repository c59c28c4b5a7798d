"""Promote and instant rollback at the desk, with what a person may say beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from providers.vercel.aliases import Aliases
from providers.vercel.client import VercelClient
from providers.vercel.projects import ProjectName


@dataclass(frozen=True)
class Promotion:
    project: ProjectName
    deployment: Annotated[str, "the id of a production build that exists; it is not built again"]

    @property
    def target(self) -> str:
        return self.project


@dataclass(frozen=True)
class Rollback:
    project: ProjectName
    deployment: Annotated[str, "the id of a deployment that had the production domains before"]
    description: Annotated[str, "why, as Vercel shows it beside the project"] = ""

    @property
    def target(self) -> str:
        return self.project


def promoting(client: VercelClient) -> Aliases[Promotion]:
    return Aliases(client, "promote", lambda project, request: client.promote(project, request.deployment))


def rolling_back(client: VercelClient) -> Aliases[Rollback]:
    return Aliases(
        client,
        "rollback",
        lambda project, request: client.roll_back(project, request.deployment, request.description),
    )
