"""Why somebody is not served, in words that say what to do about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from console.domain.backups import read_backup_act
from console.domain.errors import Refused, UsageError
from console.domain.ids import Actor
from console.domain.plan import Wish
from console.domain.roles import EMERGENCY, NEEDED, RESTORE, Role
from console.server.parts import About


def refuse(about: About, actor: Actor, role: Role, action: str) -> Refused:
    """They may not do it here."""
    where = f"worker {about.worker} · {about.home}"
    if action == EMERGENCY:
        return Refused(
            f"{actor} may not deploy in an emergency: that passes over gates that others keep.",
            where,
            f"Ask an administrator to add {actor} to [roles] emergency, or an approver to do it.",
        )
    needed = NEEDED.get(action, Role.ADMIN)
    return Refused(
        f"{actor} has the role {role.word}; to {action.replace('-', ' ')} needs {needed.word}.",
        where,
        f"Ask an administrator to add {actor} to [roles] {needed.word}, or somebody with that role to do it.",
    )


def refuse_unknown(environments: Collection[str], deployment: str) -> UsageError:
    """Nothing is called so."""
    if deployment in environments:
        return UsageError(
            f"Nothing was deployed to {deployment} yet.", "", f"`quarterdeck deploy {deployment}` is the first."
        )
    return UsageError(
        f"There is no deployment and no environment {deployment!r}.",
        f"configured environments: {', '.join(environments) or 'none'}",
        "`quarterdeck history` lists the deployments; an environment's name means the latest there.",
    )


def rights_for(wish: Wish) -> Iterator[str]:
    """What a wish needs besides the right to deploy."""
    if wish.emergency:
        yield EMERGENCY
    if read_backup_act(wish.strategy) == RESTORE:
        yield RESTORE
