"""Steps that let two login roles of a database take turns: open the new, wait for the old to be idle, close the old.

Both addresses are kept before the database is asked for anything, so that after a crash the same password goes on. Each
change states what is to be; done again it changes nothing. The old address stays kept when its role is closed: it opens
nothing then, and it is what the undo gives the role its password back from.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.domain.errors import Rejected, UsageError
from console.domain.rotation import Turn
from console.engine.variables import Variables
from console.engine.work import Done, Failed, Outcome, Work
from console.storage.secret_files import read_secret, replace_secret
from providers.contract import Logins, RoleSessions

BYTES = 32
OLD_ADDRESS, NEW_ADDRESS = "old", "new"
LOOK_EVERY_S = 5.0
QUIET_LOOKS = 3
"""Looks in a row without a session: who connects anew for each request is not always there."""
END_WITHIN_LOOKS = 6
"""Looks after which a session of a closed role is told of rather than waited for."""


@dataclass(frozen=True)
class _Desk:
    """What every step here needs. `name` is what both addresses are kept under."""

    variables: Variables
    logins: Logins
    admin: str
    turn: Turn
    path: Path
    name: str

    def find(self, which: str) -> str | None:
        return self.variables.kept.find(self.name, which, lambda _: True)


async def make(work: Work) -> Outcome:
    """Give the role whose turn it is a password of its own, try it out, and let the reference lead to its address."""
    desk = await _desk(work, str(work.step.id))
    mask, old = desk.variables.masker.mask, str(work.argument("old"))
    current = await asyncio.to_thread(read_secret, desk.path)
    new = await asyncio.to_thread(desk.find, NEW_ADDRESS)
    if mask(current) not in (old, "" if new is None else mask(new)):
        return Failed(
            f"Somebody changed {desk.path} since the plan was made.",
            f"step {work.step.id}",
            "Look at the plan again, then start it.",
        )
    begun = new is not None
    if new is None:
        made = desk.logins.rewrite(current, desk.turn.new, secrets.token_urlsafe(BYTES))
        values = {OLD_ADDRESS: current, NEW_ADDRESS: made}
        await asyncio.to_thread(desk.variables.kept.keep, desk.name, desk.name, values)
        new = await asyncio.to_thread(desk.find, NEW_ADDRESS)
    if new is None:
        return Failed("The new address could not be kept.", f"step {work.step.id}", "Check the state directory.")
    tried = await _opened(work, desk, new) if begun else None
    if tried is None:
        password = desk.logins.password_of(new)
        await work.steadily(lambda: desk.logins.prepare(desk.admin, desk.turn, password))
        tried = await work.steadily(lambda: desk.logins.try_out(desk.admin, new, desk.turn))
    if current != new:
        await asyncio.to_thread(replace_secret, desk.path, new)
    return Done(f"{desk.turn.new} logs in at {tried}; {desk.path} has its address", {"digest": mask(new)})


async def unmake(work: Work) -> Outcome:
    """Put the old address back, and take the new role's login away, which nobody uses any more."""
    desk = await _desk(work, str(work.step.undoes))
    mask = desk.variables.masker.mask
    old = await asyncio.to_thread(desk.find, OLD_ADDRESS)
    new = await asyncio.to_thread(desk.find, NEW_ADDRESS)
    made = mask(new) if new is not None else str(_outputs(work).get("digest", ""))
    if not made:
        return Done("nothing was made")
    current = await asyncio.to_thread(read_secret, desk.path)
    if mask(current) == made:
        if old is None:
            return _not_here(work, desk.turn)
        await asyncio.to_thread(replace_secret, desk.path, old)
        put = f"{desk.path} has the old address"
    else:
        is_old = old is not None and current == old
        put = f"{desk.path} has the old address" if is_old else f"{desk.path} is left as somebody made it"
    left = await work.steadily(lambda: desk.logins.withdraw(desk.admin, desk.turn))
    await asyncio.to_thread(desk.variables.kept.drop, lambda value: mask(value) == made)
    return Done(f"{put}; {left}")


async def await_unused(work: Work) -> Outcome:
    """Wait until nobody is logged in as the old role; who is in the end is named, and everything goes back."""
    desk = await _desk(work, str(work.step.id))
    old = desk.turn.old
    quiet = 0
    while True:
        sessions = await work.steadily(lambda: desk.logins.fetch_sessions(desk.admin, old))
        quiet = 0 if sessions else quiet + 1
        if quiet == QUIET_LOOKS:
            return Done(f"nobody is logged in as {old}")
        if sessions and work.clock.now() >= work.deadline:
            return Failed(
                f"{old} is still in use: {_told(sessions)}.",
                f"step {work.step.id}",
                "Give whoever that is a role of its own, or its address by the same variable, then rotate again.",
            )
        if sessions:
            await work.progress(f"{old} is still in use: {_told(sessions)}")
        await work.sleep(LOOK_EVERY_S)


async def revoke(work: Work) -> Outcome:
    """Close the old role, and read that it is closed."""
    desk = await _desk(work, str(work.step.id))
    old = desk.turn.old
    await work.steadily(lambda: desk.logins.close(desk.admin, old))
    if await work.steadily(lambda: desk.logins.can_log_in(desk.admin, old)):
        return Failed(f"{old} may still log in.", f"step {work.step.id}", "Somebody else alters it. Find out who.")
    sessions: Sequence[RoleSessions] = ()
    for _ in range(END_WITHIN_LOOKS):
        sessions = await work.steadily(lambda: desk.logins.fetch_sessions(desk.admin, old))
        if not sessions:
            break
        await work.sleep(LOOK_EVERY_S)
    new = str(work.argument("digest"))
    await asyncio.to_thread(desk.variables.kept.drop, lambda value: desk.variables.masker.mask(value) == new)
    left = f"; a session that began before goes on: {_told(sessions)}" if sessions else ""
    return Done(f"{old} may not log in any more, and has no password{left}")


async def restore(work: Work) -> Outcome:
    """Give the old role its password back, from its kept address."""
    desk = await _desk(work, str(work.argument("made_by")))
    address = await asyncio.to_thread(desk.find, OLD_ADDRESS)
    if address is None:
        return _not_here(work, desk.turn)
    password = desk.logins.password_of(address)
    await work.steadily(lambda: desk.logins.reopen(desk.admin, desk.turn.old, password))
    return Done(f"{desk.turn.old} may log in again, with the password that it had")


async def _opened(work: Work, desk: _Desk, address: str) -> str | None:
    """Where the new role can be logged in to already; None where it cannot, as before the first attempt."""
    try:
        return await work.steadily(lambda: desk.logins.try_out(desk.admin, address, desk.turn))
    except Rejected:
        return None


async def _desk(work: Work, made_by: str) -> _Desk:
    variables = work.variables
    if variables is None or variables.logins is None:
        raise UsageError("This worker alters no login roles.", f"step {work.step.id}")
    told: Mapping[str, str] = work.argument("login")
    turn = Turn(told["old"], told["new"], told["owner"], bool(told["exists"]))
    admin = await variables.fetch_admin(told["environment"], told["name"])
    path = variables.path_of(str(work.argument("reference")))
    return _Desk(variables, variables.logins, admin, turn, path, f"{work.deployment.id}/{made_by}")


def _outputs(work: Work) -> Mapping[str, object]:
    found = work.argument("outputs", {})
    return found if isinstance(found, Mapping) else {}


def _not_here(work: Work, turn: Turn) -> Failed:
    return Failed(
        f"The address of {turn.old} is not kept on this host, or not any more.",
        f"step {work.step.id}",
        "Take the rollback up on the host that rotated, or give the role a password by hand.",
    )


def _told(sessions: Sequence[RoleSessions]) -> str:
    return ", ".join(map(str, sessions))
