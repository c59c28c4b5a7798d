"""A platform of lamps that a test looks at: it keeps state, forgets nothing, and fails when it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from console.domain.errors import ConsoleError
from providers.contract import (
    AccountReport,
    Action,
    Capabilities,
    Desk,
    Nothing,
    Operation,
    OperationKey,
    OperationStatus,
    Reading,
    Unsupported,
)
from providers.contract.desk import LocalPath


@dataclass(frozen=True)
class Switch:
    """Switch a lamp."""

    lamp: Annotated[str, "its name"]
    on: Annotated[bool, "whether it shines"] = True
    password: Annotated[str, "what the lamp asks for"] = ""


@dataclass(frozen=True)
class Teach:
    """Have a lamp blink what a file says, and keep what it learnt in another."""

    lamp: Annotated[str, "its name"]
    file: Annotated[str, "what to blink", LocalPath()]
    diary: Annotated[str, "where to write it down", LocalPath(writes=True)] = ""


@dataclass(frozen=True)
class Everything:
    """One field of each kind."""

    text: Annotated[str, "any text"]
    count: Annotated[int, "how many"] = 1
    share: float = 0.5
    names: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    wait: timedelta = timedelta(seconds=30)
    limit: int | None = None


@dataclass
class Lamps:
    """The platform: what shines, what was asked, and how it is to misbehave."""

    shining: dict[str, bool] = field(default_factory=dict)
    made: dict[str, Switch | Teach] = field(default_factory=dict)
    calls: list[tuple[str, OperationKey | str]] = field(default_factory=list)
    refuses_with: ConsoleError | None = None
    loses_answers: list[ConsoleError] = field(default_factory=list)
    looks_needed: int = 0
    seen_before_the_call: list[int] = field(default_factory=list)
    says: str = "as asked"
    account: AccountReport | ConsoleError | None = None

    async def start(self, request: Switch | Teach, key: OperationKey) -> Operation:
        self.calls.append(("start", key))
        if self.refuses_with is not None:
            raise self.refuses_with
        if key.text not in self.made:
            self.made[key.text] = request
            self.shining[request.lamp] = not isinstance(request, Switch) or request.on
        if self.loses_answers:
            raise self.loses_answers.pop(0)
        return self._stands(key.text)

    async def observe(self, reference: str) -> Operation:
        self.calls.append(("observe", reference))
        self.looks_needed = max(0, self.looks_needed - 1)
        return self._stands(reference)

    async def find(self, request: Switch | Teach, key: OperationKey) -> Operation | None:
        self.calls.append(("find", key))
        return self._stands(key.text) if key.text in self.made else None

    def _stands(self, reference: str) -> Operation:
        if reference not in self.made:
            return Operation(reference, OperationStatus.LOST, "no such lamp")
        running = self.looks_needed > 0
        status = OperationStatus.RUNNING if running else OperationStatus.SUCCEEDED
        return Operation(reference, status, self.says, {"lamp": self.made[reference].lamp})

    async def fetch_state(self, request: Nothing) -> Mapping[str, bool]:
        return self.shining

    async def fetch_echo(self, request: Everything) -> Everything:
        return request

    async def fetch_account(self) -> AccountReport:
        if isinstance(self.account, ConsoleError):
            raise self.account
        assert self.account is not None
        return self.account


@dataclass
class LampConnection:
    """An open connection to it."""

    lamps: Lamps = field(default_factory=Lamps)
    name: str = "lamps"
    kind: str = "lamp"

    @property
    def capabilities(self) -> Capabilities:
        if self.lamps.account is None:
            return Capabilities(deploy=Unsupported("Lamps are not deployed.", "Buy a new one."))
        return Capabilities(account=self.lamps)

    @property
    def desk(self) -> Desk:
        return Desk(
            readings={
                "state": Reading("which lamps shine", Nothing, self.lamps.fetch_state),
                "echo": Reading("what was asked", Everything, self.lamps.fetch_echo),
                "colours": Unsupported("These lamps are white.", "Paint them."),
            },
            actions={
                "switch": Action("Switch a lamp.", Switch, self.lamps, secrets=("password",)),
                "teach": Action("Have a lamp blink.", Teach, self.lamps),
                "smash": Action("Smash a lamp.", Switch, self.lamps, destroys=True),
                "dim": Unsupported("These lamps cannot be dimmed."),
            },
        )

    async def close(self) -> None:
        return None
