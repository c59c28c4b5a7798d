"""Bringing a service back without another release: what is asked for, as the name of a strategy."""

from __future__ import annotations

from dataclasses import dataclass

RECOVERY = "recovery:"
"""What the name of the strategy begins with: `recovery:restart`, `recovery:scale:3`, `recovery:redeploy`."""

RESTART = "restart"
SCALE = "scale"
REDEPLOY = "redeploy"
ACTS = (RESTART, SCALE, REDEPLOY)


@dataclass(frozen=True)
class Recovery:
    """`instances` is how many there are to be, for `scale`."""

    act: str
    instances: int = 0

    @property
    def strategy(self) -> str:
        return f"{RECOVERY}{self.act}" + (f":{self.instances}" if self.act == SCALE else "")


def read_recovery(strategy: str) -> Recovery | None:
    """The recovery that a strategy stands for; None for any other strategy, or one that is no recovery of ours."""
    if not strategy.startswith(RECOVERY):
        return None
    act, _, count = strategy.removeprefix(RECOVERY).partition(":")
    fits = act in ACTS and (count.isdecimal() and int(count) > 0 if act == SCALE else not count)
    return Recovery(act, int(count or 0)) if fits else None
