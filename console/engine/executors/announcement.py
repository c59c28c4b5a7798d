"""Steps that tell the source platform what happens: that a deployment began, and how it ended."""

from __future__ import annotations

from console.domain.ids import StepId
from console.engine.work import Done, Failed, Outcome, Skipped, Work
from providers.contract import Announce


async def announce(work: Work) -> Outcome:
    deployment = work.deployment
    closes = "announcement_from" in work.step.arguments
    announcement = str(work.argument("announcement", "")) if closes else ""
    opened_by = _opened_by(work) if closes and not announcement else ""
    if closes and not announcement and not opened_by:
        return Skipped("nothing had been announced")
    request = Announce(
        environment=deployment.environment,
        release=deployment.plan.release,
        state=str(work.argument("state")),
        description=str(work.argument("description", f"Quarterdeck {deployment.id}"))[:140],
        announcement=announcement,
        production=bool(work.argument("production", False)),
        opened_by=opened_by,
    )
    ended = await work.perform(work.capabilities().announce, request, f"announce {request.state}")
    return ended if isinstance(ended, Failed) else Done(ended.detail, ended.outputs)


def _opened_by(work: Work) -> str:
    """The key of a call that opened an announcement, for all that is known, and whose answer was never read."""
    opener = work.deployment.steps.get(StepId(str(work.step.arguments["announcement_from"])))
    return opener.operation.key if opener is not None and opener.operation is not None else ""
