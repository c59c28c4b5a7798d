"""`review` and `reviews`: emergencies, looked at by somebody else afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.cli.finding import find_deployment
from console.cli.output import show_json, show_rows
from console.cli.session import Session
from console.cli.words import say_moment, say_state, table
from console.client.service import OpenReview, ReviewRequest
from console.domain.errors import ExitCode
from console.domain.ids import EnvironmentName


async def review(session: Session) -> int:
    """Close one; returns once it is on disk."""
    options = session.options
    service = await session.service()
    target = (await find_deployment(service, options.deployment)).id
    await service.review(target, ReviewRequest(options.comment))
    if session.form == "text":
        session.say(f"The review of deployment {target} is closed.")
    else:
        show_json(session, {"deployment": target, "review": "closed", "comment": options.comment})
    return ExitCode.GOOD


async def reviews(session: Session) -> int:
    """Those that are open, oldest first."""
    service = await session.service()
    name = session.options.environment
    found = await service.reviews(EnvironmentName(name) if name else None)
    show_rows(session, found, review_lines(found))
    return ExitCode.GOOD


def review_lines(found: Sequence[OpenReview]) -> Iterator[str]:
    if not found:
        yield "No review is open."
        return
    rows = [
        [
            one.deployment,
            one.environment,
            one.release,
            say_state(one.status.value),
            say_moment(one.emergency.review.opened_at) if one.emergency.review else "–",
            ", ".join(one.emergency.asked_by),
            ", ".join(one.emergency.skipped) or "–",
            one.emergency.reason,
        ]
        for one in found
    ]
    yield from table(["DEPLOYMENT", "ENVIRONMENT", "RELEASE", "STATUS", "SINCE", "BY", "PASSED OVER", "REASON"], rows)
    for one in found:
        if one.emergency.review and one.emergency.review.traced_at:
            yield f"{one.deployment}: {one.emergency.review.traced_at}"
