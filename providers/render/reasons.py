"""Why something failed, in words: Render tells it in a service's events, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from providers import wire

if TYPE_CHECKING:
    from providers.render.wire import Event


def explain_failure(events: Sequence[Event], deploy: str) -> str:
    """Say why a deploy failed, from the service's events; "" when they do not tell.

    `deploy_ended` names the reason, or names the build whose `build_ended` does; a failed pre-deploy command says
    more in `pre_deploy_ended`, and an image that could not be fetched in `image_pull_failed`.
    """
    for event in events:
        if event.type == "deploy_ended" and wire.text(event.details, "deployId") == deploy:
            reason = wire.table(event.details, "reason")
            build = wire.text(reason, "buildFailed", "id")
            told = _explain_build(events, build) if build else describe_reason(reason)
            return told or _explain_before(events, deploy)
    return ""


def _explain_build(events: Sequence[Event], build: str) -> str:
    for event in events:
        if event.type == "build_ended" and wire.text(event.details, "buildId") == build:
            return describe_reason(wire.table(event.details, "reason"))
    return ""


def _explain_before(events: Sequence[Event], deploy: str) -> str:
    """What went wrong before the instances were started."""
    for event in events:
        if event.type == "pre_deploy_ended" and wire.text(event.details, "deployId") == deploy:
            return describe_reason(wire.table(event.details, "reason"))
    return next((wire.text(event.details, "message") for event in events if event.type == "image_pull_failed"), "")


def describe_reason(reason: object) -> str:
    """`reason` of an ended build or deploy: what failed, or what took its place."""
    words = [describe_failure(wire.table(reason, "failure"))]
    if newer := wire.text(reason, "newDeploy", "id") or wire.text(reason, "newBuild", "id"):
        words.append(f"{newer} took its place")
    return ", ".join(word for word in words if word)


def describe_failure(failure: object) -> str:
    """`failure` of a reason: how a process ended, or what it did not become."""
    words = []
    if unhealthy := wire.text(failure, "unhealthy"):
        words.append(unhealthy)
    if (code := wire.whole(failure, "nonZeroExit")) is not None:
        words.append(f"the process ended with exit code {code}")
    if wire.flag(failure, "earlyExit"):
        words.append("the process ended too early")
    if wire.table(failure, "oomKilled"):
        limit = wire.text(failure, "oomKilled", "memoryLimit")
        words.append(f"it ran out of memory{f' (limit {limit})' if limit else ''}")
    if (seconds := wire.whole(failure, "timedOutSeconds")) is not None:
        why = wire.text(failure, "timedOutReason")
        words.append(f"it timed out after {seconds} s{f' ({why})' if why else ''}")
    if wire.flag(failure, "evicted"):
        words.append("it was evicted")
    return ", ".join(words)
