"""What can be wished for in a form: its fields, and how what was typed becomes a wish. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

from console.domain.failover import FAILOVER, Failover, read_failover
from console.domain.ids import ServiceName
from console.domain.observations import Confirmation
from console.domain.plan import Plan, Wish
from console.domain.recovery import RECOVERY, REDEPLOY, RESTART, SCALE, Recovery, read_recovery

"""Going forward in an environment of these asks for its name."""

YES = frozenset({"y", "yes"})
NO = frozenset({"", "n", "no"})


class Field(NamedTuple):
    """One line of a form; `hint` stands in it while it is empty."""

    name: str
    label: str
    hint: str


class Missing(NamedTuple):
    """What has to be typed before a plan can be asked for, and in which field."""

    field: str
    what: str
    remedy: str


SERVICES = Field("services", "services", "names with blanks between; empty for all")
REASON = Field("reason", "reason", "why, for the record")


@dataclass(frozen=True)
class Form(ABC):
    """A wish as it was last read. `place` names the screen, `verb` what its title says before the environment."""

    wish: Wish

    fields: ClassVar[tuple[Field, ...]]
    place: ClassVar[str]
    verb: ClassVar[str]
    invitation: ClassVar[str]

    @abstractmethod
    def texts(self) -> Mapping[str, str]:
        """What stands in the fields at first, by name."""

    @abstractmethod
    def read(self, texts: Mapping[str, str]) -> Wish | Missing:
        """The wish that the fields say."""

    @abstractmethod
    def started(self, plan: Plan) -> str:
        """What is said once it has begun."""

    @property
    def first(self) -> str:
        """The field to begin with."""
        return self.fields[0].name

    def confirmation(self, wish: Wish, usual: Confirmation) -> Confirmation:
        """What is asked for before the start, where the environment usually asks for `usual`."""
        return Confirmation.NAME if wish.emergency else usual


@dataclass(frozen=True)
class DeployForm(Form):
    """A release goes live; in an emergency past the gates that the environment names."""

    place = "deploy"
    verb = "to"
    invitation = "Enter shows what would happen: each step with its undo, the risk, the time. Nothing starts yet."
    fields = (
        Field("release", "release", "tag, branch or commit; empty for the newest"),
        Field(
            "strategy",
            "strategy",
            "blue-green, canary, rolling, recreate, pipeline:NAME; empty for the usual one",
        ),
        SERVICES,
        REASON,
    )

    def texts(self) -> Mapping[str, str]:
        wish = self.wish
        return {
            "release": wish.release,
            "strategy": wish.strategy,
            "services": " ".join(wish.services),
            "reason": wish.reason,
        }

    def started(self, plan: Plan) -> str:
        return f"{plan.release.name} goes to {plan.environment}"

    @property
    def first(self) -> str:
        return "reason" if self.wish.emergency and self.wish.release else "release"

    def read(self, texts: Mapping[str, str]) -> Wish | Missing:
        if self.wish.emergency and not texts["reason"]:
            return Missing("reason", "An emergency needs a reason.", "Say why; it stays on record.")
        return replace(
            self.wish,
            release=texts["release"],
            strategy=texts["strategy"],
            services=_names(texts["services"]),
            reason=texts["reason"],
        )


@dataclass(frozen=True)
class FailoverForm(Form):
    """The standby takes over, or the side that was left comes back."""

    place = "disaster recovery"
    verb = "fail over"
    invitation = (
        "Enter shows what would happen: what is checked, fenced and promoted, how long it should take, what may be "
        "lost. Nothing starts yet.\n\n"
        "back returns to the side that was left · rehearse runs every check and changes nothing · force goes on where "
        "the old side does not answer, once somebody has made sure that it is off"
    )
    fields = (
        Field("how", "how", "empty: the standby takes over; or back, rehearse, force"),
        REASON,
        Field("emergency", "emergency", "yes waits for no approval; needs a reason, and the right to do so"),
    )

    def texts(self) -> Mapping[str, str]:
        _, _, how = self.wish.strategy.partition(":")
        return {
            "how": how.replace(":", " "),
            "reason": self.wish.reason,
            "emergency": "yes" if self.wish.emergency else "",
        }

    def read(self, texts: Mapping[str, str]) -> Wish | Missing:
        words = [word.removeprefix("--") for word in texts["how"].lower().replace(",", " ").split()]
        asked = read_failover(":".join([FAILOVER, *words]))
        if asked is None:
            return Missing(
                "how", f"“{texts['how']}” is no way to fail over.", "Write back, rehearse, force, or nothing."
            )
        if asked.rehearsal and asked.force:
            return Missing("how", "A rehearsal has nothing to force.", "Leave one of them away.")
        answer = texts["emergency"].lower()
        if answer not in YES | NO:
            return Missing("emergency", "Is it an emergency?", "Write yes, or leave it empty.")
        if answer in YES and not texts["reason"]:
            return Missing("reason", "An emergency needs a reason.", "Say why; it stays on record.")
        return replace(self.wish, strategy=asked.strategy, reason=texts["reason"], emergency=answer in YES)

    def started(self, plan: Plan) -> str:
        asked = read_failover(plan.strategy) or Failover()
        return f"A failover of {plan.environment} is {'rehearsed' if asked.rehearsal else 'under way'}"

    def confirmation(self, wish: Wish, usual: Confirmation) -> Confirmation:
        rehearsal = (read_failover(wish.strategy) or Failover()).rehearsal
        return Confirmation.YES if rehearsal else Confirmation.NAME


@dataclass(frozen=True)
class RecoverForm(Form):
    """Services come back without another release."""

    place = "recover"
    verb = "recover in"
    invitation = (
        "Enter shows what would happen: one service after the other, each asked for its health before the next. "
        "The release stays. Nothing starts yet."
    )
    fields = (
        Field("how", "how", "restart · redeploy (what runs, once more) · scale N (run so many instances)"),
        SERVICES._replace(hint="names with blanks between"),
        REASON,
    )

    def texts(self) -> Mapping[str, str]:
        asked = read_recovery(self.wish.strategy)
        how = "" if asked is None else f"{asked.act} {asked.instances}" if asked.act == SCALE else asked.act
        return {"how": how, "services": " ".join(self.wish.services), "reason": self.wish.reason}

    def started(self, plan: Plan) -> str:
        return f"{', '.join(plan.services)} in {plan.environment}: {plan.strategy.removeprefix(RECOVERY)}"

    @property
    def first(self) -> str:
        return "services" if self.wish.strategy and not self.wish.services else "how"

    def read(self, texts: Mapping[str, str]) -> Wish | Missing:
        asked = read_act(texts["how"])
        if asked is None:
            return Missing("how", f"“{texts['how']}” brings nothing back.", "Write restart, redeploy or scale N.")
        services = _names(texts["services"])
        if not services:
            return Missing("services", "Which services?", "Name them, with blanks between.")
        return replace(self.wish, strategy=asked.strategy, services=services, reason=texts["reason"])


def read_act(text: str) -> Recovery | None:
    """`restart`, `redeploy` or `scale N`; None for anything else."""
    act, _, count = text.lower().strip().partition(" ")
    if act in {RESTART, REDEPLOY}:
        return None if count else Recovery(act)
    number = count.strip()
    return Recovery(SCALE, int(number)) if act == SCALE and number.isdecimal() and int(number) > 0 else None


def _names(text: str) -> tuple[ServiceName, ...]:
    return tuple(ServiceName(name) for name in text.replace(",", " ").split())
