"""A platform's own keys, made and deleted through its desk. Values go to the caller and nowhere else."""

from __future__ import annotations

import re

from console.engine.rotation import fetch_keys
from console.engine.work import Failed, Work
from providers.contract import Action, ApiKey

CREATE, DELETE = "create-api-key", "delete-api-key"
LONGEST = 30
"""Characters of the variable's name that a key's name has; keys may have 64 in all."""


async def issue(work: Work) -> str | Failed:
    """Have the platform make another key beside the old one; answers with its value."""
    action = work.connection().desk.actions.get(CREATE)
    if not isinstance(action, Action):
        return _cannot(work, CREATE)
    project, name = str(work.argument("project")), _new_name(work)
    request = action.request(project=project, name=name, type=str(work.argument("key_kind")))
    ended = await work.perform(action.actuator, request, f"make the API key {name}")
    if isinstance(ended, Failed):
        return ended
    key = await _find(work, name)
    return key.value if key else Failed(f"There is no API key {name} of {project}.", f"step {work.step.id}")


async def withdraw(work: Work) -> Failed | None:
    """Delete the key that the undone step made, if it made one."""
    key = await _find(work, _new_name(work))
    return await _delete(work, key.id) if key else None


async def delete_old(work: Work) -> Failed | None:
    """Delete the key that was replaced. One that is gone is gone, whatever the platform said of the wish."""
    old = str(work.argument("key"))
    failed = await _delete(work, old)
    if failed and all(key.id != old for key in await _fetch(work)):
        return None
    return failed


async def _delete(work: Work, key: str) -> Failed | None:
    action = work.connection().desk.actions.get(DELETE)
    if not isinstance(action, Action):
        return _cannot(work, DELETE)
    request = action.request(project=str(work.argument("project")), key=key, reason="rotated")
    ended = await work.perform(action.actuator, request, f"delete the API key {key}")
    return ended if isinstance(ended, Failed) else None


async def _find(work: Work, name: str) -> ApiKey | None:
    return next((key for key in await _fetch(work) if key.name == name), None)


async def _fetch(work: Work) -> list[ApiKey]:
    project = str(work.argument("project"))
    return list(await work.steadily(lambda: fetch_keys(work.connection(), project)))


def _new_name(work: Work) -> str:
    """One name for each deployment: lowercase letters, digits and underscores, no digit first."""
    variable = re.sub(r"[^a-z0-9]+", "_", str(work.argument("variable")).lower())[:LONGEST]
    return f"qd_{variable}_{re.sub(r'[^a-z0-9]', '', str(work.deployment.id).lower())}"[:64]


def _cannot(work: Work, action: str) -> Failed:
    return Failed(f"{work.step.provider} has no action {action}.", f"step {work.step.id}", "Replace the key by hand.")
