"""Environment variables of a Vercel project. They take effect with the next build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, OperationStatus, SetVariables
from providers.vercel.deploys import lost

if TYPE_CHECKING:
    from providers.vercel.client import VercelClient
    from providers.vercel.wire import Failure, Variable


class Variables:
    """`VariableSource` and `Actuator[SetVariables]`.

    A name may exist once for each set of environments and branch; those of branches are left alone. Setting ends
    before `start` returns, so a reference (`prj_…/variables`) only says where it happened.
    """

    def __init__(self, client: VercelClient) -> None:
        self._client = client

    async def fetch_variables(self, target: str, environment: str = "production") -> Mapping[str, str | None]:
        return {variable.key: variable.value for variable in await self._of(target, environment)}

    async def start(self, request: SetVariables, key: OperationKey) -> Operation:
        self._client.http.guard(value for value in request.variables.values() if value)
        now = {variable.key: variable for variable in await self._of(request.target, request.environment)}
        written = []
        for name, value in request.variables.items():
            before = now.get(name)
            if value is None and before is not None:
                await self._remove(request, before)
            elif value is not None and (before is None or before.value != value):
                written.append(_write(name, value, request.environment, before))
        if written:
            self._check(request, await self._client.write_variables(request.target, written))
        return _done(request.target)

    async def observe(self, reference: str) -> Operation:
        project, _, rest = reference.partition("/")
        known = rest == "variables" and project and await self._client.fetch_project_or_none(project)
        return _done(project) if known else lost(reference)

    async def find(self, request: SetVariables, key: OperationKey) -> Operation | None:
        now = await self.fetch_variables(request.target, request.environment)
        fits = all(
            (name not in now) if value is None else now.get(name) == value for name, value in request.variables.items()
        )
        return _done(request.target) if fits else None

    async def _of(self, project: str, environment: str) -> Sequence[Variable]:
        everything = await self._client.fetch_variables(project)
        return [variable for variable in everything if environment in variable.targets and not variable.branch]

    async def _remove(self, request: SetVariables, variable: Variable) -> None:
        others = [target for target in variable.targets if target != request.environment]
        if others:
            await self._client.narrow_variable(request.target, variable.id, others)
        else:
            await self._client.delete_variable(request.target, variable.id)

    def _check(self, request: SetVariables, failures: Sequence[Failure]) -> None:
        if failures:
            http = self._client.http
            values = [value for value in request.variables.values() if value]
            words = http.redact("; ".join(failure.describe(values) for failure in failures))
            what = f"Vercel did not write {len(failures)} of {len(request.variables)} variables: {words}"
            raise Rejected(http.provider, what, f"project {request.target}")


def _write(name: str, value: str, environment: str, before: Variable | None) -> Mapping[str, object]:
    kind = "sensitive" if before is not None and before.kind == "sensitive" else "encrypted"
    return {"key": name, "value": value, "type": kind, "target": [environment]}


def _done(project: str) -> Operation:
    return Operation(f"{project}/variables", OperationStatus.SUCCEEDED, "set; the next build uses them")
