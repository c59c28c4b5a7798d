"""`rollback` and the other things a person may ask of a deployment."""

from __future__ import annotations

from console.cli.asking import want_name
from console.cli.finding import find_deployment, find_deployment_to_take_back, is_environment
from console.cli.following import watch_words
from console.cli.output import show, show_json
from console.cli.recovering import lift_hold, return_to
from console.cli.session import Session
from console.cli.showing import rollback_lines
from console.cli.submitting import follow_back
from console.client.service import ControlRequest, Service
from console.domain.errors import ExitCode, Refused
from console.domain.events import Control
from console.domain.ids import DeploymentId, EnvironmentName, ServiceName, StepId


async def rollback(session: Session) -> int:
    """Ask for it; with `--wait` stay until everything is back."""
    options = session.options
    asked_at = session.now()  # before anything else: from here the seconds until traffic is back are counted
    service = await session.service()
    if options.to:
        return await return_to(session, service)
    target = await find_deployment_to_take_back(service, options.target)
    services = tuple(ServiceName(name) for name in options.service)
    restores = options.restore_database
    if options.preview:
        preview = await service.preview_rollback(target, services, restores=restores)
        show(session, preview, rollback_lines(preview))
        return ExitCode.REFUSED if preview.refusal else ExitCode.GOOD
    if restores:
        await _agree_to_restores(session, service, target, services)
    asked = Control.ROLLBACK_DATA if restores else Control.ROLLBACK
    request = ControlRequest(asked, reason=options.reason, services=services, requested_at=asked_at)
    await service.control(target, request)
    session.farewell = watch_words(target)
    if not options.wait:
        return _acknowledge(session, f"Deployment {target} is being rolled back.", target, Control.ROLLBACK)
    return await follow_back(session, service, target, request)


async def _agree_to_restores(
    session: Session, service: Service, target: DeploymentId, services: tuple[ServiceName, ...]
) -> None:
    """Databases lose what was written since: somebody writes the environment's name first. Raises Refused."""
    preview = await service.preview_rollback(target, services, asks=False, restores=True)
    if preview.refusal:
        raise Refused(f"Deployment {target} cannot be rolled back so: {preview.refusal}", preview.environment)
    session.say(*rollback_lines(preview))
    want_name(session, preview.environment, session.options.confirm)


async def control(session: Session) -> int:
    """`approve`, `reject`, `pause`, `resume`, `promote`, `abort`, `retry`; returns once it is on disk."""
    options = session.options
    full = options.command == Control.PROMOTE.value and options.full
    asked = Control.PROMOTE_FULL if full else Control(options.command)
    asked_at = session.now()
    service = await session.service()
    if asked is Control.PROMOTE and await is_environment(service, options.target):
        environment = EnvironmentName(options.target)
        status = (await service.environments(environment))[0]
        if status.lock is None and status.hold is not None:
            return await lift_hold(session, service, environment)
    target = (await find_deployment(service, options.target)).id
    step = StepId(options.step) if options.step else None
    await service.control(target, ControlRequest(asked, step, options.reason, requested_at=asked_at))
    return _acknowledge(session, f"{asked.value.capitalize()} was passed on to deployment {target}.", target, asked)


def _acknowledge(session: Session, words: str, deployment: str, asked: Control) -> int:
    if session.form == "text":
        session.say(words)
    else:
        show_json(session, {"deployment": deployment, "control": asked.value, "accepted": True})
    return ExitCode.GOOD
