"""From a wish to its end: show the plan, ask, start it, stay with it, and say what came of it."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Iterator

from console.cli.following import DEPLOY_CODES, follow, was_taken_back, watch_words
from console.cli.output import show, show_deployment
from console.cli.session import Session
from console.cli.showing import plan_lines
from console.client.service import ControlRequest, Service
from console.domain.deployment import DeploymentStatus
from console.domain.errors import ExitCode, PlanRejected, Refused, UsageError
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import Confirmation
from console.domain.plan import Plan, Wish


def check_emergency(options: argparse.Namespace) -> None:
    """Raises UsageError for an emergency without a reason."""
    if options.emergency and not options.reason:
        raise UsageError(
            "An emergency needs a reason.",
            "option --emergency",
            "Say why, with --reason TEXT; it is kept in the history.",
        )


async def carry_out(session: Session, service: Service, wish: Wish, *, wait: bool, asks: bool = True) -> int:
    """Do a wish by the plan that was shown, after a yes unless it `asks` nobody; returns the exit code.

    Raises:
        PlanRejected: The plan has refusals.
        Refused: Nobody said yes.
    """
    plan = await service.preview(wish)
    refuse_rejected(plan)
    session.say(*step_lines(plan))
    if asks:
        await agree(session, service, wish.environment)
    return await submit(session, service, wish, plan.digest, wait=wait)


async def show_plan(session: Session, service: Service, wish: Wish) -> int:
    """Only show what would be done; refusals are part of it and make the exit code."""
    plan = await service.preview(wish)
    show(session, plan, plan_lines(plan))
    return ExitCode.REFUSED if plan.refusals else ExitCode.GOOD


async def look_and_agree(session: Session, service: Service, wish: Wish) -> str:
    """Show the whole plan and have somebody agree to it; returns its digest.

    Raises:
        PlanRejected: The plan has refusals.
        Refused: Nobody said yes.
    """
    plan = await service.preview(wish)
    session.say(*plan_lines(plan))
    refuse_rejected(plan)
    await agree(session, service, wish.environment)
    return plan.digest


def refuse_rejected(plan: Plan) -> None:
    """Raises PlanRejected when the plan has refusals."""
    if plan.refusals:
        raise PlanRejected(plan.environment, plan.refusals)


def step_lines(plan: Plan) -> Iterator[str]:
    """Every step with what takes it back, and what is to be known before."""
    for number, step in enumerate(plan.steps, 1):
        back = f"undo: {step.undo.name}" if step.undo else step.no_undo
        yield f"{number:>3}  {step.name}" + (f"  ({back})" if back else "")
    yield from (f"note      {note}" for note in plan.notes)


async def agree(session: Session, service: Service, environment: EnvironmentName) -> None:
    """Raises Refused unless somebody says yes, here or with `--yes`, or the environment asks for nothing."""
    if session.options.yes:
        return
    needed = (await service.environments(environment))[0].confirmation
    agreed = needed is Confirmation.NONE
    if not agreed and can_ask(session):
        by_name = needed is Confirmation.NAME
        question = f"Type {environment} to go forward: " if by_name else "Go forward? [y/N] "
        print(question, end="", file=session.err, flush=True)
        answer = sys.stdin.readline().strip()
        agreed = answer == environment if by_name else answer.lower() in ("y", "yes")
    if not agreed:
        raise Refused("Nothing was changed.", "", "Use --yes to go forward without being asked.")


def can_ask(session: Session) -> bool:
    """Whether a person sits there who can answer."""
    return sys.stdin.isatty() and session.err.isatty()


async def submit(
    session: Session, service: Service, wish: Wish, digest: str = "", *, wait: bool, request_id: str = ""
) -> int:
    """Start it, and stay until its end or until `--timeout` has run out; without `wait` only say its id.

    Args:
        digest: Of the plan that was agreed to; nothing else is run. Empty: whatever is planned now.
        request_id: The same twice is one deployment; a new one when empty.
    """
    submitted = await service.deploy(wish, request_id or uuid.uuid4().hex, digest)
    deployment = submitted.deployment
    if submitted.again:
        session.say(f"This request had been made before: it is deployment {deployment}.")
    session.farewell = watch_words(deployment)
    if not wait:
        if session.form == "text":
            print(deployment, file=session.out)
            session.say(watch_words(deployment))
        else:
            show_deployment(session, await service.deployment(deployment))
        return ExitCode.GOOD
    ended = await follow(session, service, deployment, timeout=_timeout(session))
    show_deployment(session, ended)
    return DEPLOY_CODES.get(ended.status, ExitCode.WAITING)


async def follow_back(session: Session, service: Service, target: DeploymentId, request: ControlRequest) -> int:
    """Stay with a rollback that was asked for, until everything is back or `--timeout` has run out."""
    ended = await follow(
        session,
        service,
        target,
        is_over=was_taken_back,
        timeout=_timeout(session),
        since=request.requested_at,
    )
    show_deployment(session, ended)
    if not was_taken_back(ended):
        return ExitCode.WAITING
    return ExitCode.GOOD if ended.status is DeploymentStatus.ROLLED_BACK else ExitCode.FAILED


def _timeout(session: Session) -> float | None:
    """Seconds; None for as long as it takes, also where a command has no such option."""
    seconds: float | None = getattr(session.options, "timeout", None)
    return seconds
