"""Whether Vercel can still return to a deployment: one that was deleted, or that the plan does not offer, it cannot.

Source: vercel.com/docs/instant-rollback: on Pro and Enterprise every deployment that had a production domain, on Hobby
only the one before; `isRollbackCandidate` of a deployment says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.vercel import wire

if TYPE_CHECKING:
    from providers.vercel.client import VercelClient


class Shelf:
    def __init__(self, client: VercelClient) -> None:
        self._client = client

    async def find_obstacle(self, target: str, deployment: str) -> str:
        wanted = await self._client.fetch_deployment_or_none(deployment)
        if wanted is None or wanted.state == wire.DELETED:
            return "Vercel no longer has this deployment."
        if wanted.state != wire.READY:
            return f"this deployment cannot serve ({wanted.state})."
        project = await self._client.fetch_project(target)
        listed = await self._client.fetch_deployments(target)
        told = next((other for other in listed if other.id == deployment), None)
        serves = project.production == deployment
        if serves or told is None or told.rollback_candidate or told.substate == "PROMOTED":
            return ""
        return "Vercel does not offer it for a rollback; on Hobby only the last production deployment is."
