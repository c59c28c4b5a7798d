"""What happened to a service, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from providers import wire
from providers.http import segment
from providers.render.client import PAGE, RenderClient, write_time
from providers.render.reasons import describe_failure, describe_reason
from providers.render.services import ServiceId
from providers.render.wire import Event, parse_event, parse_page

SUBJECTS = ("deployId", "buildId", "cronJobRunId", "jobId", "instanceID", "diskId")
STATES = ("deployStatus", "buildStatus", "preDeployStatus", "status")
COUNTS = (("fromInstances", "toInstances"), ("fromURI", "toURI"), ("fromSizeGB", "toSizeGB"), ("from", "to"))


@dataclass(frozen=True)
class Events:
    service: ServiceId
    type: Annotated[str, "only of this type, as deploy_ended or server_failed"] = ""
    since: Annotated[timedelta, "how far back to look"] = timedelta(days=7)


@dataclass(frozen=True)
class Happening:
    """`type` is Render's word, `about` the id of what it happened to, `words` how it went, with the reason."""

    at: datetime | None
    type: str
    about: str
    words: str


def tell(event: Event) -> Happening:
    """Put an event into words. Of one that is not known here only the type is told."""
    details = event.details
    about = next((found for name in SUBJECTS if (found := wire.text(details, name))), "")
    words = [next((found for name in STATES if (found := _state(details, name))), "")]
    for before, after in COUNTS:
        if wire.text(details, before) or wire.text(details, after):
            words.append(f"{wire.text(details, before) or 'nothing'} to {wire.text(details, after) or 'nothing'}")
    reason = wire.table(details, "reason")
    words += [describe_reason(reason), describe_failure(reason), wire.text(details, "message"), _cause(details)]
    if (enabled := wire.flag(details, "enabled")) is not None:
        words.append("on" if enabled else "off")
    return Happening(event.at, event.type, about, ", ".join(word for word in words if word))


def _state(details: object, name: str) -> str:
    """A state that is a word; `status` is a number beside the word of a build or a deploy."""
    value = wire.pick(details, name)
    return value if isinstance(value, str) else ""


def _cause(details: object) -> str:
    trigger = wire.table(details, "trigger")
    names = {
        "manual": "by hand",
        "rollback": "a rollback",
        "envUpdated": "variables changed",
        "firstBuild": "the first one",
        "clearCache": "without the build cache",
        "deployedByRender": "by Render",
        "startedByRender": "by Render",
        "system": "by Render",
    }
    words = [words for name, words in names.items() if wire.flag(trigger, name)]
    if commit := wire.text(trigger, "newCommit"):
        words.append(f"commit {commit[:10]}")
    who = wire.text(details, "triggeredByUser") or wire.text(trigger, "user", "email") or wire.text(details, "actor")
    return ", ".join([*words, *([f"by {who}"] if who else [])])


class EventReader:
    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch(self, request: Events) -> Sequence[Happening]:
        """Newest first; at most one page."""
        http = self._client.http
        since = http.platform_time(http.clock()) - request.since
        params = {"type": request.type or None, "startTime": write_time(since), "limit": PAGE}
        path = f"/services/{segment(request.service)}/events"
        page = await http.fetch(path, parse_page("event", parse_event), params)
        return [tell(event) for event in page.items]
