"""What the supervisor answers on its control socket: JSON over HTTP, one route for each thing to be done."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.domain.errors import ConsoleError, UsageError
from console.playground.faults import PlatformFault, read_fault
from console.playground.status import gather_status
from console.playground.traffic import MAX_RPS
from console.playground.world import World

_APP_KEYS = ("error_rate", "latency_ms", "log_lines_per_s")


class Control:
    """The supervisor's door. `down` is set when somebody asked for the end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._app_faults: dict[str, dict[str, Any]] = {}
        self.down = asyncio.Event()
        self.app = Starlette(
            routes=[
                Route("/status", _answering(self._status), methods=["GET"]),
                Route("/traffic", _answering(self._traffic), methods=["POST"]),
                Route("/fault", _answering(self._fault), methods=["POST"]),
                Route("/clear", _answering(self._clear), methods=["POST"]),
                Route("/down", _answering(self._down), methods=["POST"]),
            ]
        )

    async def _status(self, told: dict[str, Any]) -> dict[str, Any]:
        return dict(await gather_status(self._world, self._faults()))

    async def _traffic(self, told: dict[str, Any]) -> dict[str, Any]:
        changes: dict[str, float] = {}
        if told.get("rps") is not None:
            changes["rps"] = float(told["rps"])
            if not 0 <= changes["rps"] <= MAX_RPS:
                raise UsageError(f"{told['rps']} requests a second are out of range.", "", f"Give 0 to {MAX_RPS:.0f}.")
        if told.get("keep_alive_share") is not None:
            changes["keep_alive_share"] = float(told["keep_alive_share"])
        await self._world.traffic.tell(**changes)
        return await self._status({})

    async def _fault(self, told: dict[str, Any]) -> dict[str, Any]:
        target, settings = str(told.get("target", "")), dict(told.get("settings") or {})
        if target == "app":
            self._set_app_fault(str(told.get("release", "")), settings)
        elif target in self._world.faulty:
            self._world.faulty[target].fault = read_fault(settings)
        else:
            known = ", ".join(["app", *sorted(self._world.faulty)])
            raise UsageError(f"There is nothing called {target!r} to break.", "", f"Known are {known}.")
        return await self._status({})

    async def _clear(self, told: dict[str, Any]) -> dict[str, Any]:
        for faulty in self._world.faulty.values():
            faulty.fault = PlatformFault()
        for release in self._app_faults:
            self._fault_file(release).unlink(missing_ok=True)
        self._app_faults.clear()
        return await self._status({})

    async def _down(self, told: dict[str, Any]) -> dict[str, Any]:
        self.down.set()
        return {}

    def _set_app_fault(self, ref: str, settings: dict[str, Any]) -> None:
        release = self._world.catalogue.find(ref)
        if release is None:
            names = ", ".join(one.name for one in self._world.catalogue.releases)
            raise UsageError(f"There is no release {ref!r}.", "", f"Known are {names}.")
        unknown = sorted(set(settings) - set(_APP_KEYS))
        if unknown:
            raise UsageError(f"Unknown fault setting: {', '.join(unknown)}.", "", f"Known are {', '.join(_APP_KEYS)}.")
        if not 0 <= float(settings.get("error_rate") or 0) <= 1:
            raise UsageError("The error rate is not a share.", "", "Give a number between 0 and 1.")
        self._app_faults[release.name] = settings
        path = self._fault_file(release.name)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(settings), encoding="utf-8")
        temporary.replace(path)

    def _fault_file(self, release: str) -> Path:
        return self._world.home.faults / f"{release}.json"

    def _faults(self) -> dict[str, dict[str, Any]]:
        platforms = {name: one.fault.as_json() for name, one in self._world.faulty.items()}
        told = {name: fault for name, fault in platforms.items() if fault}
        return told | {f"app {release}": settings for release, settings in self._app_faults.items()}


Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


def _answering(work: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            body = await request.body()
            return JSONResponse(await work(json.loads(body) if body else {}))
        except (ConsoleError, ValueError, TypeError) as error:
            said = error if isinstance(error, ConsoleError) else UsageError(f"The request is wrong: {error}.")
            told = {"what": said.what, "where": said.where, "remedy": said.remedy}
            return JSONResponse({"error": told}, 400 if isinstance(said, UsageError) else 500)

    return answer
