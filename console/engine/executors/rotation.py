"""Steps that make a new secret beside the old one, take it back, and give the old one up last.

Both values are kept before the file is touched, so that after a crash the same new one is found again. Values live in
the file and among the kept ones; outputs have the digest.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from console.domain.errors import UsageError
from console.domain.variables import UNREADABLE
from console.engine.executors import logins
from console.engine.executors.api_keys import delete_old, issue, withdraw
from console.engine.variables import Variables
from console.engine.work import Done, Failed, Outcome, Work
from console.storage.secret_files import read_secret, replace_secret

BYTES = 32
"""Of chance in a new value: 43 letters, digits, `-` and `_`."""

OLD_VALUE, NEW_VALUE = "old", "new"


async def make(work: Work) -> Outcome:
    """Put a new random value where the reference leads; the old one is kept and goes on being valid."""
    if "login" in work.step.arguments:
        return await logins.make(work)
    variables, path = _variables(work), _path(work)
    issued = ""
    if work.step.provider:
        key = await issue(work)
        if isinstance(key, Failed):
            return key
        issued = key
    return await asyncio.to_thread(_make, work, variables, path, _name(work, str(work.step.id)), issued)


async def unmake(work: Work) -> Outcome:
    """Put the old value back, and forget the new one, which nobody uses any more."""
    if "login" in work.step.arguments:
        return await logins.unmake(work)
    variables, path = _variables(work), _path(work)
    outcome = await asyncio.to_thread(_unmake, work, variables, path, _name(work, str(work.step.undoes)))
    if work.step.provider:
        withdrawn = await withdraw(work)
        return withdrawn if isinstance(withdrawn, Failed) else outcome
    return outcome


async def revoke(work: Work) -> Outcome:
    """Give the old value up, once every consumer is seen to have the new one. Nothing brings it back."""
    variables = _variables(work)
    old, new = str(work.argument("old")), str(work.argument("digest"))
    places: Sequence[Mapping[str, str]] = work.argument("places")
    for place in places:
        provider, target, name = place["provider"], place["target"], place["name"]
        actual = await work.steadily(partial(variables.fetch_actual, provider, target))
        if variables.masker.mask_all(actual).get(name) not in (new, UNREADABLE):
            return Failed(
                f"{name} is not the new value any more.",
                f"{provider} {target}",
                "Somebody else sets it. Find out who, then rotate again.",
            )
    if "login" in work.step.arguments:
        return await logins.revoke(work)
    if work.step.provider:
        deleted = await delete_old(work)
        if isinstance(deleted, Failed):
            return deleted
    await asyncio.to_thread(variables.kept.drop, lambda value: variables.masker.mask(value) in (old, new))
    return Done("every consumer has the new value; the old one is kept nowhere")


def _make(work: Work, variables: Variables, path: Path, name: str, issued: str) -> Outcome:
    current = read_secret(path)
    mask, old = variables.masker.mask, str(work.argument("old"))
    value = _kept(variables, name, NEW_VALUE)
    if mask(current) not in (old, "" if value is None else mask(value)):
        return Failed(
            f"Somebody changed {path} since the plan was made.",
            f"step {work.step.id}",
            "Look at the plan again, then start it.",
        )
    if value is None:
        variables.kept.keep(name, name, {OLD_VALUE: current, NEW_VALUE: issued or secrets.token_urlsafe(BYTES)})
        value = _kept(variables, name, NEW_VALUE)
    if value is None:
        return Failed("The new value could not be kept.", f"step {work.step.id}", "Check the state directory.")
    if current != value:
        replace_secret(path, value)
    return Done(f"a new value is in {path}; the old one is kept", {"digest": mask(value)})


def _unmake(work: Work, variables: Variables, path: Path, name: str) -> Outcome:
    mask, new, old = variables.masker.mask, _kept(variables, name, NEW_VALUE), _kept(variables, name, OLD_VALUE)
    if new is None or old is None:
        return Done("nothing was made")
    current = read_secret(path)
    if current not in (old, new):
        return Done(f"{path} holds neither the new nor the old value; it is left as somebody made it")
    if current == new:
        replace_secret(path, old)
    made = mask(new)
    variables.kept.drop(lambda value: mask(value) == made)
    return Done(f"the old value is back in {path}")


def _kept(variables: Variables, name: str, which: str) -> str | None:
    return variables.kept.find(name, which, lambda _: True)


def _name(work: Work, step: str) -> str:
    return f"{work.deployment.id}/{step}"


def _path(work: Work) -> Path:
    return _variables(work).path_of(str(work.argument("reference")))


def _variables(work: Work) -> Variables:
    if work.variables is None:
        raise UsageError("This worker sets no variables.", f"step {work.step.id}")
    return work.variables
