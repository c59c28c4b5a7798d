"""Environment variables of a Render service. Writing them deploys nothing; they take effect with the next deploy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from providers.contract import Operation, OperationKey, OperationStatus, SetVariables
from providers.render.deploys import lost

if TYPE_CHECKING:
    from providers.render.client import RenderClient


class Variables:
    """`VariableSource` and `Actuator[SetVariables]`.

    Setting ends before `start` returns, so a reference (`srv-…/variables`) only says where it happened.
    """

    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch_variables(self, target: str, environment: str = "production") -> Mapping[str, str | None]:
        return dict(await self._client.fetch_variables(target))

    async def start(self, request: SetVariables, key: OperationKey) -> Operation:
        self._client.http.guard(value for value in request.variables.values() if value)
        now = await self._client.fetch_variables(request.target)
        changed = []
        for name, value in request.variables.items():
            if now.get(name) == value:
                continue
            if value is None:
                await self._client.delete_variable(request.target, name)
            else:
                await self._client.put_variable(request.target, name, value)
            changed.append(name)
        return _done(request.target, f"changed {', '.join(changed)}" if changed else "nothing to change")

    async def observe(self, reference: str) -> Operation:
        service, _, rest = reference.partition("/")
        known = rest == "variables" and await self._client.fetch_service_or_none(service)
        return _done(service, "set") if known else lost(reference)

    async def find(self, request: SetVariables, key: OperationKey) -> Operation | None:
        now = await self._client.fetch_variables(request.target)
        fits = all(now.get(name) == value for name, value in request.variables.items())
        return _done(request.target, "set") if fits else None


def _done(service: str, detail: str) -> Operation:
    return Operation(f"{service}/variables", OperationStatus.SUCCEEDED, detail)
