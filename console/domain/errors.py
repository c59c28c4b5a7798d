"""What can go wrong, in words an operator can act on: what happened, where, and what to do.

Expected outcomes (a failed deployment, a closed gate, a lost operation) are results, never exceptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum


class ExitCode(IntEnum):
    """What a command tells the shell. Scripts rely on these numbers."""

    GOOD = 0
    FAILED = 1
    USAGE = 2
    ROLLED_BACK = 3
    REFUSED = 4
    WAITING = 5


class ConsoleError(Exception):
    """Something an operator must know: `what` happened, `where`, and the `remedy`."""

    exit_code = ExitCode.FAILED
    transient = False

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.where, self.remedy) if part)


class UsageError(ConsoleError):
    """The request itself is wrong: an unknown environment, a contradiction between options."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True)
class ConfigProblem:
    """One fault of a configuration file. `line` is 1-based, 0 where no line can be named."""

    file: str
    line: int
    key: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" · {self.key}" if self.key else ""
        return f"{place}{key}: {self.what} {self.remedy}".rstrip()


class ConfigError(ConsoleError):
    """The configuration cannot be used; carries every problem that was found, not only the first."""

    exit_code = ExitCode.USAGE

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            what=f"The configuration has {count} {noun}:",
            where="\n".join(f"  {problem}" for problem in self.problems),
            remedy="Nothing was started. Correct the file and try again.",
        )


class Refused(ConsoleError):
    """Understood, and not allowed now: a role, a lock, a freeze, a gate or a missing approval."""

    exit_code = ExitCode.REFUSED


class PlanRejected(Refused):
    """The plan cannot start; carries every reason at once."""

    def __init__(self, environment: str, reasons: Sequence[str], remedy: str = "") -> None:
        self.reasons = tuple(reasons)
        super().__init__(
            what=f"A deployment to {environment} cannot start:",
            where="\n".join(f"  - {reason}" for reason in self.reasons),
            remedy=remedy or "Nothing was changed.",
        )


class InvalidTransition(ConsoleError):
    """An event does not fit the state it meets: a damaged log or a fault of ours, never the operator's."""


class StoreError(ConsoleError):
    """The state directory or its database cannot be used."""


class StoreBusy(StoreError):
    """Another process holds the database longer than the busy timeout."""

    transient = True


class StoreTooNew(StoreError):
    """The database was written by a newer Quarterdeck."""

    exit_code = ExitCode.USAGE


class StoreDamaged(StoreError):
    """The database does not open or fails its own check."""


class ProviderError(ConsoleError):
    """A platform did not do what was asked. `request` is the platform's own request id, where it gave one."""

    def __init__(self, provider: str, what: str, where: str = "", remedy: str = "", request: str = "") -> None:
        self.provider = provider
        self.request = request
        place = " · ".join(part for part in (where, f"request {request}" if request else "") if part)
        super().__init__(what, place, remedy)

    def add(self, words: str) -> None:
        """Say a sentence more about what happened."""
        end = "" if self.what.endswith((".", "!", "?", "…")) else "."
        self.what = f"{self.what}{end} {words}"
        self.args = (self.what,)


class Unreachable(ProviderError):
    """No answer, or the platform itself failed (5xx). Asking again later may help."""

    transient = True


class RateLimited(ProviderError):
    """The platform wants us to slow down; `retry_after` says for how long."""

    transient = True

    def __init__(
        self, provider: str, what: str, where: str = "", remedy: str = "", request: str = "", *, retry_after: timedelta
    ) -> None:
        super().__init__(provider, what, where, remedy, request)
        self.retry_after = retry_after


class Unauthorized(ProviderError):
    """The token is missing, expired, or too narrow for what was asked."""


class Rejected(ProviderError):
    """The platform understood and refused; its own words are quoted in `what`."""


class UnknownRelease(Rejected):
    """The source has no such tag, branch or commit: what was asked for is wrong, not what was done."""

    exit_code = ExitCode.USAGE


class UnexpectedReply(ProviderError):
    """The answer has a shape we do not know. It is kept in the message, with secrets removed.

    A `garbled` one is no answer of the platform's API at all (cut, or a proxy's web page): asking again may help.
    """

    def __init__(
        self, provider: str, what: str, where: str = "", remedy: str = "", request: str = "", *, garbled: bool = False
    ) -> None:
        super().__init__(provider, what, where, remedy, request)
        self.transient = garbled
