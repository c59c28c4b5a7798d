"""Preview branches: made, deleted with an hour's grace, brought back, changed, compared.

A branch is named by its name in its project; that name is what makes creating it repeatable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from console.domain.errors import Rejected
from providers.ensuring import UNKNOWN, Ensuring, Sealed, Setting, Standing, absent, done, failed, moving
from providers.http import segment
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, fetch_text, project_path, row_of, rows_of
from providers.wire import need_items, need_text, pick, text

SHOWN = (
    "id",
    "name",
    "project_ref",
    "is_default",
    "git_branch",
    "persistent",
    "status",
    "preview_project_status",
    "created_at",
    "updated_at",
    "deletion_scheduled_at",
)
# The platform tells the database's password and the JWT secret here as well; they are not kept.
CONFIG = ("ref", "postgres_version", "postgres_engine", "release_channel", "status", "db_host", "db_port", "db_user")
PASSED = frozenset({"MIGRATIONS_PASSED", "FUNCTIONS_DEPLOYED"})
FAILED = frozenset({"MIGRATIONS_FAILED", "FUNCTIONS_FAILED"})

BranchName = Annotated[str, "of the branch, as `branches` lists it"]


@dataclass(frozen=True)
class OfBranch:
    project: ProjectRef
    branch: BranchName


@dataclass(frozen=True)
class Diff:
    project: ProjectRef
    branch: BranchName
    schemas: Annotated[tuple[str, ...], "only these; empty for all"] = ()


@dataclass(frozen=True)
class CreateBranch:
    project: ProjectRef
    name: Annotated[str, "of the new branch"]
    git_branch: Annotated[str, "branch of the repository that it follows; empty for none"] = ""
    persistent: Annotated[bool, "keep it when its pull request is closed"] = False
    with_data: Annotated[bool, "copy the data of its parent, not only the schema"] = False
    region: Annotated[str, "e.g. eu-central-1; empty for its parent's"] = ""
    size: Annotated[str, "compute size, e.g. micro; empty for the platform's choice"] = ""
    secrets: Annotated[Mapping[str, str], "of its edge functions"] = field(default_factory=dict)


@dataclass(frozen=True)
class ChangeBranch:
    project: ProjectRef
    branch: BranchName
    git_branch: Annotated[str, "branch of the repository that it follows; empty leaves it"] = ""
    persistent: Annotated[bool | None, "keep it when its pull request is closed"] = None


@dataclass(frozen=True)
class DeleteBranch:
    project: ProjectRef
    branch: BranchName
    at_once: Annotated[bool, "without the hour in which it can be brought back"] = False


@dataclass(frozen=True)
class RestoreBranch:
    project: ProjectRef
    branch: BranchName


class Branches:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_branches(self, request: OfProject) -> Sequence[Row]:
        return await self._http.fetch(_path(request.project), rows_of(*SHOWN))

    async def fetch_config(self, request: OfBranch) -> Row:
        """How the branch's database is reached, without its password."""
        branch = await self.find(request.project, request.branch)
        return await self._http.fetch(branch_path(branch), row_of(*CONFIG))

    async def fetch_diff(self, request: Diff) -> str:
        """The SQL that makes the parent's schema the branch's."""
        branch = await self.find(request.project, request.branch)
        params = {"included_schemas": ",".join(request.schemas)} if request.schemas else None
        return await fetch_text(self._http, branch_path(branch, "diff"), params)

    async def list_all(self, ref: str) -> Sequence[object]:
        return await self._http.fetch(_path(ref), need_items)

    async def find_or_none(self, ref: str, name: str) -> object | None:
        return next((one for one in await self.list_all(ref) if text(one, "name") == name), None)

    async def find(self, ref: str, name: str) -> object:
        """Raises Rejected for a branch that is not listed."""
        found = await self.find_or_none(ref, name)
        if found is None:
            raise Rejected(
                self._http.provider,
                f"The Supabase project {ref} has no branch {name!r}.",
                f"project {ref}",
                "`quarterdeck ask` with `branches` lists them.",
            )
        return found

    def creating(self) -> Ensuring[CreateBranch]:
        async def look(request: CreateBranch) -> Standing:
            found = await self.find_or_none(request.project, request.name)
            if found is None:
                return absent()
            status, told = text(found, "status"), {"branch": text(found, "id"), "ref": text(found, "project_ref")}
            words = f"branch {request.name}: {status}"
            if status in FAILED:
                return failed(words, **told)
            return done(words, **told) if status in PASSED else moving(words, **told)

        async def write(request: CreateBranch) -> None:
            body: dict[str, object] = {
                "branch_name": request.name,
                "persistent": request.persistent,
                "with_data": request.with_data,
            }
            more = {
                "git_branch": request.git_branch,
                "region": request.region,
                "desired_instance_size": request.size,
                "secrets": dict(request.secrets),
            }
            body.update({name: value for name, value in more.items() if value})
            await self._http.send("POST", _path(request.project), json=body)

        return Ensuring(CreateBranch, look, write, sealed=Sealed(self._http, ("secrets",)))

    def changing(self) -> Setting[ChangeBranch]:
        async def holds(request: ChangeBranch) -> bool | None:
            found = await self.find_or_none(request.project, request.branch)
            if found is None:
                return None
            return all(pick(found, name) == value for name, value in _changes(request).items())

        async def write(request: ChangeBranch) -> None:
            branch = await self.find(request.project, request.branch)
            await self._http.send("PATCH", branch_path(branch), json=_changes(request), repeatable=True)

        def say(request: ChangeBranch) -> str:
            return ", ".join(f"{name} {value}" for name, value in _changes(request).items())

        return Setting(ChangeBranch, holds=holds, write=write, say=say)

    def deleting(self) -> Ensuring[DeleteBranch]:
        async def look(request: DeleteBranch) -> Standing:
            found = await self.find_or_none(request.project, request.branch)
            if found is None:
                return done(f"there is no branch {request.branch}")
            ends = text(found, "deletion_scheduled_at")
            if ends and not request.at_once:
                return done(f"it is deleted at {ends}; `restore-branch` keeps it")
            return absent(f"branch {request.branch} is still there")

        async def write(request: DeleteBranch) -> None:
            branch = await self.find(request.project, request.branch)
            params = {"force": "true" if request.at_once else "false"}
            await self._http.send("DELETE", branch_path(branch), params=params, accept=(404,))

        return Ensuring(DeleteBranch, look, write)

    def restoring(self) -> Ensuring[RestoreBranch]:
        async def look(request: RestoreBranch) -> Standing:
            found = await self.find_or_none(request.project, request.branch)
            if found is None:
                return UNKNOWN
            ends = text(found, "deletion_scheduled_at")
            return absent(f"it is deleted at {ends}") if ends else done(f"branch {request.branch} stays")

        async def write(request: RestoreBranch) -> None:
            branch = await self.find(request.project, request.branch)
            await self._http.send("POST", branch_path(branch, "restore"))

        return Ensuring(RestoreBranch, look, write)


def branch_path(branch: object, *rest: str) -> str:
    """`/v1/branches/{id}/…` of a branch as it is listed."""
    return "/".join(("/v1/branches", segment(need_text(branch, "id")), *rest))


def _path(ref: str) -> str:
    return project_path(ref, "branches")


def _changes(request: ChangeBranch) -> dict[str, object]:
    told = {"git_branch": request.git_branch or None, "persistent": request.persistent}
    return {name: value for name, value in told.items() if value is not None}
