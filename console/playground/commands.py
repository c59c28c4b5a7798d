"""What the command line does with a playground. Every function takes the home; errors are `ConsoleError`."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import console
from console.domain.errors import ConsoleError, UsageError
from console.playground.config_file import check_replaceable
from console.playground.home import EXIT_ALREADY_UP, PlaygroundHome, PlaygroundState
from console.playground.processes import Identity, is_running, kill
from console.playground.status_shape import Status
from console.playground.traffic_control import DEFAULT_RPS
from console.playground.unix_http import ask_json

UP_WITHIN_S = 120.0
DOWN_WITHIN_S = 20.0
_LOG_TAIL_BYTES = 2000


def up(home: Path, rps: float = DEFAULT_RPS, speed: float = 1.0, limit_scale: float | None = None) -> Status:
    """Bring a playground up and wait until everything answers; when it is up already, only say how it stands.

    Args:
        home: Gets `config.toml` and a directory `playground`.
        rps: Requests a second that the load generator sends from the start.
        speed: 2.0 makes the platforms' builds and queues take half as long.
        limit_scale: 1.0 gives the platforms the rate limits that they document; by default they have ten times as much.

    Raises:
        ConsoleError: Something did not start; quotes the end of the supervisor's log. Or the home has a
            configuration that the playground did not write.
    """
    place = PlaygroundHome(home.resolve())
    check_replaceable(place.config)
    if _is_up(place):
        return status(home)
    _clean_up(place, place.read_state())
    place.make()
    process = _start_supervisor(place, rps, speed, limit_scale)
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() not in (None, EXIT_ALREADY_UP):
            break
        if _is_up(place):
            return status(home)
        time.sleep(0.03)
    process.terminate()
    raise ConsoleError(
        "The playground did not come up.",
        f"{place.log}:\n{_tail(place.log)}",
        "The log above says what failed. Nothing is left running; try `playground up` again.",
    )


def down(home: Path) -> bool:
    """Take a playground down, or clean up what a killed one left. False when there was nothing to do."""
    place = PlaygroundHome(home.resolve())
    state = place.read_state()
    if state is None:
        return False
    if is_running(state.supervisor):
        with contextlib.suppress(OSError, TimeoutError):
            asyncio.run(ask_json(state.control, "POST", "/down", {}))
        if not _wait_for_end(state.supervisor, DOWN_WITHIN_S):
            kill(state.supervisor)
            _wait_for_end(state.supervisor, DOWN_WITHIN_S)
    _clean_up(place, state)
    return True


def status(home: Path) -> Status:
    """Tell how a playground stands.

    Raises:
        ConsoleError: It is not up.
    """
    return cast(Status, _ask(home, "GET", "/status"))


def traffic(home: Path, rps: float | None = None, keep_alive_share: float | None = None) -> Status:
    """Change the load: requests a second, and the share of them (0..1) on kept connections.

    Raises:
        ConsoleError: It is not up, or the value is out of range.
    """
    return cast(Status, _ask(home, "POST", "/traffic", {"rps": rps, "keep_alive_share": keep_alive_share}))


def fault(home: Path, target: str, settings: dict[str, Any], release: str | None = None) -> Status:
    """Break something: `app` with a release, or `render`, `vercel`, `supabase`, `github`, `caddy`.

    Args:
        home: The playground's home.
        target: What is to be broken; a second call for the same target replaces its settings.
        settings: For `app`: `error_rate` (0..1), `latency_ms`, `log_lines_per_s`. For a platform the fields of
            `faults.PlatformFault`. Settings that are None are left out.
        release: Name or commit of the release, for `app` only.

    Raises:
        UsageError: Target, release or a setting is unknown or out of range.
        ConsoleError: It is not up.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    return cast(Status, _ask(home, "POST", "/fault", {"target": target, "settings": given, "release": release}))


def clear(home: Path) -> Status:
    """Mend everything that `fault` broke.

    Raises:
        ConsoleError: It is not up.
    """
    return cast(Status, _ask(home, "POST", "/clear", {}))


def _ask(home: Path, method: str, path: str, value: object = None) -> dict[str, Any]:
    state = PlaygroundHome(home.resolve()).read_state()
    if state is None or not is_running(state.supervisor):
        raise ConsoleError("No playground is up here.", str(home), "Bring one up: quarterdeck --home DIR playground up")
    try:
        answer = asyncio.run(ask_json(state.control, method, path, value))
        told: dict[str, Any] = json.loads(answer.body)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConsoleError(
            f"The playground's supervisor does not answer ({type(error).__name__}).",
            f"{state.control}, process {state.supervisor.pid}",
            "It may still be starting; else `playground down` and `playground up`.",
        ) from error
    if answer.status != 200:
        said = told.get("error", {})
        kind = UsageError if answer.status == 400 else ConsoleError
        raise kind(str(said.get("what", "It failed.")), str(said.get("where", "")), str(said.get("remedy", "")))
    return told


def _is_up(place: PlaygroundHome) -> bool:
    state = place.read_state()
    if state is None or not is_running(state.supervisor) or not os.path.exists(state.control):
        return False
    with contextlib.suppress(OSError, TimeoutError):
        return asyncio.run(ask_json(state.control, "GET", "/status")).status == 200
    return False


def _start_supervisor(
    place: PlaygroundHome, rps: float, speed: float, limit_scale: float | None
) -> "subprocess.Popen[bytes]":
    arguments = ["--home", str(place.root), "--rps", str(rps), "--speed", str(speed)]
    arguments += [] if limit_scale is None else ["--limit-scale", str(limit_scale)]
    environment = {**os.environ, "PYTHONPATH": str(Path(console.__path__[0]).parent)}
    with place.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "console.playground.supervisor", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=place.directory,
            env=environment,
            start_new_session=True,
        )


def _clean_up(place: PlaygroundHome, state: PlaygroundState | None) -> None:
    """Remove what a supervisor that was killed could not; its children died with it, by the kernel's hand."""
    if state is None or is_running(state.supervisor):
        return
    for child in state.children:
        kill(child)
    for directory in state.scratch:
        shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(place.directory / "postgres", ignore_errors=True)
    place.state.unlink(missing_ok=True)


def _wait_for_end(process: Identity, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while is_running(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
    return ""
