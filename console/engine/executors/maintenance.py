"""Steps that put up the holding page of a service, or take it away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from console.domain.codec import from_json
from console.domain.plan import Phase
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from providers.contract import Maintain

BEST_EFFORT = timedelta(seconds=20)
"""How long a rollback tries to put up a page before it goes on without: what serves people comes first."""


async def maintain(work: Work) -> Outcome:
    """Whatever is found, the page that was asked for is up, or none is."""
    arguments: Mapping[str, object] = work.step.arguments
    request = from_json(Maintain, dict(arguments))
    if request.on and request.until is not None and request.until <= work.clock.now():
        return Failed(
            f"The maintenance was to end at {request.until:%Y-%m-%d %H:%M:%S} UTC, which is past.",
            f"step {work.step.id}",
            "Ask for it again with a later end.",
        )
    if request.on and work.step.phase is Phase.ROLLBACK:
        return await _try(work, request)
    return await _switch(work, request)


async def _switch(work: Work, request: Maintain) -> Outcome:
    words = "put up the page" if request.on else "take the page away"
    ended = await work.perform(work.capabilities().maintain, request, f"{words} of {request.target}")
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)


async def _try(work: Work, request: Maintain) -> Outcome:
    """Visitors of a release that goes back should see a page; that one cannot be put up must not keep it from going."""
    trying = asyncio.ensure_future(_switch(work, request))
    ending = asyncio.ensure_future(work.clock.sleep(BEST_EFFORT.total_seconds()))
    try:
        await asyncio.wait({trying, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not trying.done():
            return Skipped(f"no page: {work.step.provider} did not put it up within {BEST_EFFORT.seconds} s")
        outcome = trying.result()
        return Skipped(f"no page: {outcome.what}") if isinstance(outcome, Failed) else outcome
    finally:
        for task in (trying, ending):
            task.cancel()
