"""What a database's project is to be like, beside its tables: authentication, Postgres, buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field

from console.config.faults import Fault, Key
from console.config.kinds import PROJECT_KINDS
from console.config.shape import Section, VariableValue, is_reference

SECRET_ENDINGS = frozenset({"secret", "secrets", "pass", "key", "token"})


class BucketSettings(Section):
    """`[environments.ENV.services.NAME.project.buckets.BUCKET]`: a bucket that the project is to have."""

    public: bool = False
    """Whether everybody may read its files."""
    file_size_limit: int | None = Field(None, ge=1)
    """Largest file in bytes; unset takes the project's."""
    mime_types: tuple[str, ...] = ()
    """Types that it takes, as `image/*`; empty for all."""


class ProjectSettings(Section):
    """`[environments.ENV.services.NAME.project]`: what a switch-over prepares before data comes."""

    auth: Mapping[str, VariableValue] = Field(default_factory=dict)
    """Settings of authentication, by the platform's names: text, or a reference to a secret; `null` unsets one."""
    postgres: Mapping[str, VariableValue] = Field(default_factory=dict)
    """Settings of Postgres, as `statement_timeout = "8s"`; those that are not named stay."""
    buckets: Mapping[str, BucketSettings] = Field(default_factory=dict)
    """Buckets for files, by their names."""

    @property
    def is_empty(self) -> bool:
        return not (self.auth or self.postgres or self.buckets)


def check_project(service: str, kind: str, project: ProjectSettings, at: Key) -> Iterator[Fault]:
    """What is wrong with what is wanted of a project."""
    if not project.is_empty and kind not in PROJECT_KINDS:
        what = f"{service} is on {kind}, which has no project to prepare."
        yield Fault((*at, "project"), what, "Remove it.")
    for name, value in project.auth.items():
        if name.rpartition("_")[2] in SECRET_ENDINGS and not is_reference(value) and value != "null":
            what = "A secret is written here in the open; only a reference is accepted."
            yield Fault((*at, "project", "auth", name), what, "Write env:NAME, file:PATH or keyring:SERVICE/NAME.")
    for name, value in project.postgres.items():
        if is_reference(value):
            what = f"{name} is no secret, and is told as it is."
            yield Fault((*at, "project", "postgres", name), what, "Write the value.")
