"""What can be said of secrets without saying them: where each is kept and used, how old it is, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SecretProblem(StrEnum):
    UNRESOLVED = "unresolved"
    OPEN = "open"
    SHARED = "shared"
    UNUSED = "unused"
    OLD = "old"


@dataclass(frozen=True)
class SecretUse:
    """One place where a secret is used. `name` is a key of the configuration, or environment, service and variable.

    `reference` is as written, without a command's words; empty for what only the platform has. `since` is the earliest
    moment of which somebody knows that the secret was already this one: its file's time, or the record of a deployment.
    `digest` is empty where the secret could not be read.
    """

    name: str
    environment: str = ""
    reference: str = ""
    digest: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class SecretFinding:
    problem: SecretProblem
    names: tuple[str, ...]
    what: str
    remedy: str = ""


@dataclass(frozen=True)
class SecretReport:
    """`good` says that there are no findings and that everything could be read; `notes` name what could not."""

    at: datetime
    good: bool
    uses: tuple[SecretUse, ...] = ()
    findings: tuple[SecretFinding, ...] = ()
    notes: tuple[str, ...] = ()
