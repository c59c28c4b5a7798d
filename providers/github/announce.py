"""Announce a deployment on GitHub: open it once, then tell how it goes.

GitHub takes no idempotency key. A deployment carries ours in its payload. A status cannot, so that one of the same
state and words, made since the wish, is the same one.

References are `<deployment>/<status>`; the deployment's id is the announcement that later calls pass back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from providers.contract import Announce, Operation, OperationKey, OperationStatus
from providers.github.wire import KEY, Deployment, DeploymentStatus

if TYPE_CHECKING:
    from providers.github.client import GitHubClient

DESCRIPTION_LENGTH = 140
CLOCK_TOLERANCE = timedelta(seconds=2)
"""GitHub tells times in whole seconds, and our idea of its clock is as vague."""


NOTHING_TO_TELL = Operation("nothing", OperationStatus.SUCCEEDED, "nothing had been announced")


class Announcements:
    """`Actuator[Announce]`."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def start(self, request: Announce, key: OperationKey) -> Operation:
        deployment = await self._known(request)
        if not deployment and request.opened_by:
            return NOTHING_TO_TELL
        deployment = deployment or await self._open(request, key)
        status = await self._find_status(deployment, request, key)
        if status is None:
            wish = {
                "state": request.state,
                "description": _description(request),
                "environment": request.environment,
            }
            status = await self._client.create_deployment_status(deployment, wish)
        return _succeeded(deployment, status)

    async def observe(self, reference: str) -> Operation:
        if reference == NOTHING_TO_TELL.reference:
            return NOTHING_TO_TELL
        deployment, _, number = reference.partition("/")
        status = None
        if deployment.isdigit() and number.isdigit():
            status = await self._client.fetch_deployment_status_or_none(deployment, number)
        if status is None:
            return Operation(reference, OperationStatus.LOST, "GitHub knows no such deployment status")
        return _succeeded(deployment, status)

    async def find(self, request: Announce, key: OperationKey) -> Operation | None:
        deployment = await self._known(request)
        if not deployment and not request.opened_by:
            opened = await self._find_deployment(request, key.text)
            deployment = opened.id if opened is not None else ""
        if not deployment:
            return None
        status = await self._find_status(deployment, request, key)
        return _succeeded(deployment, status) if status else None

    async def _known(self, request: Announce) -> str:
        """The deployment that the request is about; empty for one that is to be opened, or never was."""
        if request.announcement or not request.opened_by:
            return request.announcement
        opened = await self._find_deployment(request, request.opened_by)
        return opened.id if opened is not None else ""

    async def _open(self, request: Announce, key: OperationKey) -> str:
        found = await self._find_deployment(request, key.text)
        if found is None:
            found = await self._client.create_deployment(
                {
                    "ref": request.release.commit,
                    "environment": request.environment,
                    "description": _description(request),
                    "production_environment": request.production,
                    # Without these two GitHub would merge its default branch, and judge the checks a second time.
                    "auto_merge": False,
                    "required_contexts": [],
                    "payload": {KEY: key.text},
                }
            )
        return found.id

    async def _find_deployment(self, request: Announce, key: str) -> Deployment | None:
        known = await self._client.fetch_deployments(request.release.commit, request.environment)
        return next((deployment for deployment in known if deployment.key == key), None)

    async def _find_status(self, deployment: str, request: Announce, key: OperationKey) -> DeploymentStatus | None:
        known = await self._client.fetch_deployment_statuses(deployment)
        since = self._client.http.platform_time(key.intended_at) - CLOCK_TOLERANCE
        for status in known:
            is_same = (status.state, status.description) == (request.state, _description(request))
            # A deployment that this very wish opened has no older statuses that could be mistaken for it.
            is_ours = (
                not (request.announcement or request.opened_by)
                or status.created_at is None
                or status.created_at >= since
            )
            if is_same and is_ours:
                return status
        return None


def _description(request: Announce) -> str:
    return request.description[:DESCRIPTION_LENGTH]


def _succeeded(deployment: str, status: DeploymentStatus) -> Operation:
    words = f"deployment {deployment}: {status.state}"
    return Operation(f"{deployment}/{status.id}", OperationStatus.SUCCEEDED, words, {"announcement": deployment})
