"""Steps that set variables and put them back, and the record of what a release was given with.

The order makes a crash harmless: the values that go are kept first, then the key is on disk, then the platform is
asked. What cannot be found again when it is to be put back is named; everything else is put back all the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from console.domain import events as ev
from console.domain.errors import ConsoleError, UsageError
from console.domain.ids import ServiceName
from console.domain.plan import StepKind
from console.domain.rotation import NEW
from console.domain.statuses import StepStatus
from console.domain.variables import ABSENT, UNREADABLE, ConfigurationRecord
from console.engine.variables import Variables
from console.engine.work import Done, Failed, Outcome, Work
from providers.contract import SetVariables, Unsupported

RECORD_PATIENCE = timedelta(seconds=20)
AGAIN = "Look at the plan again, then start it."

log = logging.getLogger(__name__)


async def configure(work: Work) -> Outcome:
    """Set what the plan names, provided that both sides are still as the plan saw them."""
    variables, target = _variables(work), str(work.argument("target"))
    changes = _changes(work)
    wanted = await variables.fetch_wanted(str(work.argument("environment")), str(work.step.service))
    digests = variables.mask_wanted(wanted).digests
    moved = [change["name"] for change in changes if digests.get(change["name"]) != change["after"]]
    if moved:
        return _changed(work, f"What {_are(moved)} to be is no longer what the plan says.")
    actual = await work.steadily(lambda: variables.fetch_actual(work.step.provider or "", target))
    before = variables.masker.mask_all(actual)
    if work.state.operation is None:
        moved = [change["name"] for change in changes if before.get(change["name"], ABSENT) != change["before"]]
        if moved:
            return _changed(work, f"Somebody changed {_listed(moved)} since the plan was made.")
        await _keep(work, variables, target, actual)
    if not changes:
        return Done("nothing to set; the way back is kept")
    values = {change["name"]: wanted.values[change["name"]] for change in changes}
    ended = await work.perform(
        work.capabilities().set_variables, SetVariables(target, values), f"set {_listed(values)}"
    )
    if isinstance(ended, Failed):
        return ended
    after = variables.masker.mask_all(
        await work.steadily(lambda: variables.fetch_actual(work.step.provider or "", target))
    )
    unlike = [name for name in values if after.get(name, ABSENT) not in (digests[name], UNREADABLE)]
    if unlike:
        return Failed(
            f"The platform does not show {_listed(unlike)} as set.",
            f"step {work.step.id} · {target}",
            "Somebody else sets them, or the platform changes values. Find out, then try again.",
        )
    return Done(f"set {_listed(values)}", {"set": {name: digests[name] for name in values}})


async def restore(work: Work) -> Outcome:
    """Put back what was there, as far as somebody has the values; says what stays."""
    variables, target = _variables(work), str(work.argument("target"))
    wanted: Mapping[str, str] = work.argument("back", {})
    actual = await work.steadily(lambda: variables.fetch_actual(work.step.provider or "", target))
    now = variables.masker.mask_all(actual)
    values: dict[str, str | None] = {}
    gone: list[str] = []
    for name, digest in wanted.items():
        if now.get(name, ABSENT) == digest:
            continue
        value = None if digest == ABSENT else await asyncio.to_thread(variables.find_kept, target, name, digest)
        if digest != ABSENT and value is None:
            gone.append(name)
        else:
            values[name] = value
    left = f"; {_listed(gone)} cannot be put back: the earlier value is not on this host" if gone else ""
    if not values:
        return Done(f"nothing to put back{left}")
    request = SetVariables(target, values)
    ended = await work.perform(work.capabilities().set_variables, request, f"put back {_listed(values)}")
    return ended if isinstance(ended, Failed) else Done(f"put back {_listed(values)}{left}")


async def record_configuration(work: Work, target: str) -> None:
    """Write down with which variables the place is about to be given the release.

    Where they cannot be read the release goes on without this memory: a rollback then says that it does not know.
    """
    variables, service, provider = work.variables, work.step.service, work.step.provider or ""
    known = any(record.step == work.step.id for record in work.deployment.configurations)
    if variables is None or service is None or (known and work.state.operation is not None):
        return
    if isinstance(work.capabilities().variables, Unsupported):
        return
    until = min(work.deadline, work.clock.now() + RECORD_PATIENCE)
    try:
        actual = await work.steadily(lambda: variables.fetch_actual(provider, target), until=until)
    except ConsoleError as problem:
        log.warning("deployment %s: variables of %s are not on record: %s", work.deployment.id, service, problem.what)
        return
    hidden = {**_mapping(work.step.arguments.get("hidden")), **_set_before(work, service, target)}
    digests = {
        name: str(hidden.get(name, digest)) if digest == UNREADABLE else digest
        for name, digest in variables.masker.mask_all(actual).items()
    }
    await work.record(ev.ConfigurationRecorded(ConfigurationRecord(work.step.id, service, target, digests)))


def _changes(work: Work) -> list[Mapping[str, str]]:
    """What the plan names; a value that did not exist when it was made has the digest that its maker left."""
    changes: list[Mapping[str, str]] = work.argument("changes", [])
    if "digest_from" not in work.step.arguments:
        return changes
    made = str(work.argument("digest"))
    return [{**change, "after": made} if change["after"] == NEW else change for change in changes]


async def _keep(work: Work, variables: Variables, target: str, actual: Mapping[str, str | None]) -> None:
    """Keep every value that this step, or taking it back, may replace."""
    names = {change["name"] for change in work.argument("changes", [])} | set(work.argument("back", {}))
    values = {name: value for name in names if (value := actual.get(name)) is not None}
    if values:
        await asyncio.to_thread(variables.kept.keep, f"{work.deployment.id}/{work.step.id}", target, values)


def _set_before(work: Work, service: ServiceName, target: str) -> Mapping[str, Any]:
    """What this deployment has set there, by its own record."""
    for state in work.deployment.steps.values():
        step = state.step
        is_ours = step.kind is StepKind.CONFIGURE and step.service == service and step.arguments.get("target") == target
        if is_ours and state.status is StepStatus.SUCCEEDED:
            return _mapping(state.outputs.get("set"))
    return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _variables(work: Work) -> Variables:
    if work.variables is None:
        raise UsageError("This worker sets no variables.", f"step {work.step.id}")
    return work.variables


def _changed(work: Work, what: str) -> Failed:
    return Failed(what, f"step {work.step.id}", AGAIN)


def _are(names: list[str]) -> str:
    return f"{_listed(names)} {'is' if len(names) == 1 else 'are'}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
