"""Environment variables at the desk, by target and branch: names and kinds to read, values only to write.

A name may exist once for each set of targets and branch. Values of kind `sensitive` can never be read back, so they are
written again rather than compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, OperationStatus
from providers.ensuring import Setting
from providers.vercel.client import VercelClient
from providers.vercel.deploys import lost
from providers.vercel.projects import ProjectName
from providers.vercel.wire import Failure, Variable

Targets = Annotated[tuple[str, ...], "among production, preview and development"]
Branch = Annotated[str, "only for previews of that branch; empty for all"]


@dataclass(frozen=True)
class Variables:
    project: ProjectName
    target: Annotated[str, "production, preview or development; empty for all"] = ""


@dataclass(frozen=True)
class SetEnvironment:
    project: ProjectName
    variables: Annotated[Mapping[str, str], "names and values"]
    targets: Targets = ("production",)
    branch: Branch = ""
    kind: Annotated[str, "encrypted, plain, or sensitive for one that nobody can read back"] = "encrypted"


@dataclass(frozen=True)
class RemoveVariables:
    project: ProjectName
    names: Annotated[tuple[str, ...], "the names"]
    targets: Targets = ("production",)
    branch: Branch = ""


class Environment:
    """The reading, and `Actuator[SetEnvironment]`, whose reference (`prj_…/environment`) holds no value."""

    def __init__(self, client: VercelClient) -> None:
        self._client = client

    async def fetch(self, request: Variables) -> Sequence[Mapping[str, object]]:
        listed = await self._client.fetch_variables(request.project, decrypt=False)
        return [
            {
                "name": one.key,
                "kind": one.kind,
                "targets": one.targets,
                "branch": one.branch,
                "comes_back": one.kind not in ("sensitive", "secret"),
                "id": one.id,
            }
            for one in listed
            if request.target in ("", *one.targets)
        ]

    async def start(self, request: SetEnvironment, key: OperationKey) -> Operation:
        self._client.http.guard(request.variables.values())
        missing = await self._missing(request)
        if missing:
            self._check(request, missing, await self._client.write_variables(request.project, missing))
        return _done(request.project)

    async def observe(self, reference: str) -> Operation:
        project, _, rest = reference.partition("/")
        known = rest == "environment" and project and await self._client.fetch_project_or_none(project)
        return _done(project) if known else lost(reference)

    async def find(self, request: SetEnvironment, key: OperationKey) -> Operation | None:
        return None if await self._missing(request) else _done(request.project)

    async def _missing(self, request: SetEnvironment) -> Sequence[Mapping[str, object]]:
        now = {
            one.key: one
            for one in await self._client.fetch_variables(request.project)
            if one.branch == request.branch and set(one.targets) == set(request.targets)
        }
        return [
            _write(request, name, value)
            for name, value in request.variables.items()
            if name not in now or now[name].value != value
        ]

    def _check(
        self, request: SetEnvironment, asked: Sequence[Mapping[str, object]], failures: Sequence[Failure]
    ) -> None:
        """The answer is 201 all the same: say what is in force now and what is not, by name."""
        if not failures:
            return
        values = [value for value in request.variables.values() if value]
        refused = {failure.name for failure in failures}
        written = ", ".join(str(one["key"]) for one in asked if one["key"] not in refused) or "nothing"
        words = "; ".join(failure.describe(values) for failure in failures)
        what = f"Vercel did not write {len(failures)} of {len(asked)} variables: {words}. Written: {written}."
        http = self._client.http
        raise Rejected(
            http.provider,
            http.redact(what),
            f"project {request.project}",
            "Ask `variables` for what is there under those names; remove it or name its targets.",
        )


def _write(request: SetEnvironment, name: str, value: str) -> Mapping[str, object]:
    told: dict[str, object] = {"key": name, "value": value, "type": request.kind, "target": list(request.targets)}
    if request.branch:
        told["gitBranch"] = request.branch
    return told


def _done(project: str) -> Operation:
    return Operation(f"{project}/environment", OperationStatus.SUCCEEDED, "set; the next build uses them")


def removing(client: VercelClient) -> Setting[RemoveVariables]:
    """Takes names from targets; where a variable has others as well, it stays there."""

    async def present(request: RemoveVariables) -> Sequence[Variable]:
        return [
            one
            for one in await client.fetch_variables(request.project, decrypt=False)
            if one.key in request.names and one.branch == request.branch and set(one.targets) & set(request.targets)
        ]

    async def is_gone(request: RemoveVariables) -> bool | None:
        if await client.fetch_project_or_none(request.project) is None:
            return None
        return not await present(request)

    async def remove(request: RemoveVariables) -> None:
        for one in await present(request):
            others = [target for target in one.targets if target not in request.targets]
            if others:
                await client.narrow_variable(request.project, one.id, others)
            else:
                await client.delete_variable(request.project, one.id)

    return Setting(
        RemoveVariables,
        holds=is_gone,
        write=remove,
        say=lambda request: f"without {', '.join(request.names)} in {', '.join(request.targets)}",
    )
