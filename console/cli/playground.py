"""`playground up · down · status · traffic · fault`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from console.cli.output import show
from console.cli.session import Session
from console.cli.words import say_share, say_weights, table
from console.domain.errors import ExitCode, UsageError


def playground(session: Session) -> int:
    """Do what was asked of the playground in the state directory."""
    from console.playground import commands

    options, home = session.options, session.home
    if options.action == "up":
        found = commands.up(home) if options.rps is None else commands.up(home, options.rps)
        show(session, found, playground_lines(found))
        session.say(f"The playground is up. Try `quarterdeck --home {home} status`.")
    elif options.action == "down":
        stop_worker(home)
        was_up = commands.down(home)
        show(session, {"down": was_up}, ["The playground is down." if was_up else "No playground was up here."])
    elif options.action == "status":
        found = commands.status(home)
        show(session, found, playground_lines(found))
    elif options.action == "traffic":
        found = commands.traffic(home, options.rps)
        show(session, found, [f"{found['rps']:g} requests a second"])
    else:
        found = _fault(session)
        show(session, found, _fault_lines(found))
    return ExitCode.GOOD


def _fault(session: Session) -> Any:
    from console.playground import commands

    options = session.options
    if options.what == "clear":
        return commands.clear(session.home)
    if options.what == "app":
        if not options.release:
            raise UsageError("Which release is to suffer?", "option --release", "Name one of `playground status`.")
        given = {"error_rate": options.error_rate, "latency_ms": options.latency_ms}
    else:
        given = {
            "status": options.status,
            "rate": options.rate,
            "latency_ms": options.latency_ms,
            "hang": options.hang or None,
            "garbage": options.garbage or None,
            "rate_limit": options.rate_limit or None,
            "cut": options.cut or None,
            "empty": options.empty or None,
            "slow": options.slow or None,
            "lose_replies": options.lose_replies or None,
            "seed": options.seed,
        }
    if all(value is None for value in given.values()):
        raise UsageError(
            f"What is to go wrong with {options.what}?", "playground fault", "See `playground fault --help`."
        )
    return commands.fault(session.home, options.what, given, options.release)


def stop_worker(home: Path) -> None:
    """A worker without its platforms would only complain; stop it with them, if one runs."""
    import asyncio

    from console.cli.worker import STOP_SECONDS, wait_until_free
    from console.client.http import connect
    from console.client.places import Places
    from console.client.service import WorkerUnavailable

    async def stop() -> None:
        async with await connect(home, start=False) as service:
            await service.stop_worker()

    try:
        asyncio.run(stop())
    except WorkerUnavailable:
        return
    wait_until_free(Places(home).lock, STOP_SECONDS)


def playground_lines(found: Any) -> list[str]:
    """What runs, what its traffic saw, and which releases there are."""
    total, failed = found["requests_total"], found["requests_failed"]
    lines = [
        f"traffic   {found['rps']:g} requests a second to {found['edge_url']}",
        f"answered  {total} requests, {failed} failed ({say_share(failed / total if total else 0.0)})",
        f"config    {found['config']}",
        "",
    ]
    services = [
        [name, say_weights(told.get("weights") or {}), str(len(told.get("instances") or []))]
        for name, told in found["services"].items()
    ]
    lines += table(["SERVICE", "TRAFFIC", "PROCESSES"], services)
    lines += ["", *table(["RELEASE", "ABOUT"], [[one["name"], one["about"]] for one in found["releases"]])]
    lines += ["", "changes   " + ", ".join(f"{name} {count}" for name, count in found["changes"].items())]
    return lines + _fault_lines(found)


def _fault_lines(found: Any) -> list[str]:
    return [f"fault     {name}: {told}" for name, told in found["faults"].items()] or ["fault     none"]
