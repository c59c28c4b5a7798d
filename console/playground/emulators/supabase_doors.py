"""Find the handler of a request by method and path.

It does what Starlette's router does, with each pattern built once for all emulators: building them is most of the cost
of an emulator with two hundred paths, and tests make one a test.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.wire import Handler


@dataclass(frozen=True)
class Door:
    """One operation. In `path`, `{name}` stands for one segment and `{name:path}` for the rest."""

    method: str
    path: str
    answer: Handler


class Doors:
    """The operations of one API; the first that fits answers. HEAD is answered as GET where it has no door."""

    def __init__(self, doors: Iterable[Door]) -> None:
        self._doors: dict[str, list[Door]] = {}
        for door in doors:
            self._doors.setdefault(door.method, []).append(door)

    async def answer(self, request: Request, path: str) -> Response | None:
        """Let the door for `path` answer; None where there is none."""
        methods = (request.method, "GET") if request.method == "HEAD" else (request.method,)
        for door in (door for method in methods for door in self._doors.get(method, ())):
            found = _pattern(door.path).fullmatch(path)
            if found:
                request.scope["path_params"] = found.groupdict()
                return await door.answer(request)
        return None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", path)
    text = re.escape(parts[0])
    for name, wide, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{'.*' if wide else '[^/]+'}){re.escape(after)}"
    return re.compile(text)
