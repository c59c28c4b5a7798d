"""Steps that prepare a project for data, and put back what its settings were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.config.shape import is_reference
from console.domain.errors import UsageError
from console.domain.switch_over import HIDDEN
from console.engine.projects import say_value
from console.engine.work import Done, Failed, Outcome, Work
from providers.contract import Action, Reading, Unsupported

AGAIN = "Look at the plan again, then start it."
ABOUT = {"auth": "authentication", "postgres": "Postgres"}


async def prepare_project(work: Work) -> Outcome:
    """Set what the plan names, provided that it is still as the plan saw it."""
    changes: list[Mapping[str, str]] = work.argument("changes")
    if work.state.operation is None:
        now = await _shown(work)
        moved = [
            change["name"]
            for change in changes
            if change["before"] != HIDDEN
            and not is_reference(change["after"])
            and say_value(now.get(change["name"])) not in (change["before"], change["after"])
        ]
        if moved:
            what = f"Somebody changed {', '.join(moved)} since the plan was made."
            return Failed(what, f"step {work.step.id}", AGAIN)
    wanted = {change["name"]: change["after"] for change in changes}
    return await _set(work, wanted, "set")


async def restore_project(work: Work) -> Outcome:
    """Put back what was there, as far as the platform had shown it; nothing where nothing was asked of it."""
    undone = work.deployment.steps.get(work.step.undoes) if work.step.undoes else None
    if undone is not None and undone.operation is None:
        return Done("nothing was set")
    return await _set(work, work.argument("back", {}), "put back")


async def prepare_bucket(work: Work) -> Outcome:
    """See to it that there is a bucket, or that one that is there is read by everybody or not."""
    name = "change-bucket" if work.argument("change", False) else "create-bucket"
    names = ("project", "bucket", "public", "file_size_limit", "mime_types")
    given = {key: work.argument(key) for key in names if key in work.step.arguments}
    bucket = work.argument("bucket")
    return await _act(work, name, given, f"{'change' if 'change' in name else 'make'} the bucket {bucket}")


async def _set(work: Work, wanted: Mapping[str, str], verb: str) -> Outcome:
    part = str(work.argument("part"))
    secrets = {name: await _follow(work, value, name) for name, value in wanted.items() if is_reference(value)}
    settings = {name: value for name, value in wanted.items() if name not in secrets}
    given: dict[str, object] = {"project": work.argument("project"), "settings": settings}
    given |= {"secrets": secrets} if secrets else {}
    summary = f"{verb} {', '.join(wanted)} of {ABOUT.get(part, part)}"
    return await _act(work, f"set-{part}", given, summary)


async def _act(work: Work, name: str, given: Mapping[str, object], summary: str) -> Outcome:
    action = work.connection().desk.actions.get(name)
    if not isinstance(action, Action):
        why = action if isinstance(action, Unsupported) else Unsupported(f"This kind of provider knows no {name}.")
        return Failed(why.reason, f"provider {work.step.provider}", why.remedy)
    ended = await work.perform(action.actuator, action.request(**given), summary)
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)


async def _shown(work: Work) -> Mapping[str, Any]:
    reading = work.connection().desk.readings.get(str(work.argument("part")))
    if not isinstance(reading, Reading):
        return {}
    asked = reading.request(project=work.argument("project"))
    found = await work.steadily(lambda: reading.fetch(asked))
    return found if isinstance(found, Mapping) else {}


async def _follow(work: Work, reference: str, name: str) -> str:
    if work.variables is None:
        raise UsageError("This worker follows no references.", f"step {work.step.id}")
    return await work.variables.follow(reference, f"step {work.step.id}, {name}")
