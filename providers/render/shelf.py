"""Whether Render can still return to a deploy: it keeps the builds of a number of them that depends on the plan.

Source: render.com/docs/rollbacks and its article on rolling back, November 2026: two on free services, 5 on Hobby, 15
on Pro, 30 on Scale and Enterprise. No call of the API says which plan a workspace has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.render import wire

if TYPE_CHECKING:
    from providers.render.client import RenderClient

SURELY_KEPT = 2
AT_MOST_KEPT = 30


class Shelf:
    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def find_obstacle(self, target: str, deployment: str) -> str:
        wanted = await self._client.fetch_deploy_or_none(target, deployment)
        if wanted is None:
            return "Render no longer knows this deploy."
        if wanted.status not in wire.SUCCEEDED:
            return f"it never served ({wire.FAILED.get(wanted.status, wanted.status)})."
        listed = await self._client.fetch_deploys(target, status=tuple(wire.SUCCEEDED))
        ids = [deploy.id for deploy in listed]
        later = ids.index(deployment) if deployment in ids else len(ids)
        if later > AT_MOST_KEPT:
            return f"{later} deploys are newer, and Render keeps the builds of at most {AT_MOST_KEPT}."
        if later > SURELY_KEPT:
            kept = "2 (free), 5 (Hobby), 15 (Pro) or 30 (Scale)"
            return f"{later} deploys are newer, and Render keeps the builds of {kept}; it may have to be built again."
        return ""
