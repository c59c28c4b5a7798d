"""Find the handler of a request by method and path.

It does what Starlette's router does, with each pattern built once for all emulators: building them is most of the cost
of an emulator with two hundred paths, and tests make one a test.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from starlette.requests import Request

from console.playground.emulators.wire import Handler


class Door(NamedTuple):
    """One operation. In `path`, `{name}` stands for one segment and `{name:path}` for the rest.

    `needs_key` is false for what anybody may ask.
    """

    method: str
    path: str
    answer: Handler
    needs_key: bool = True


class Doors:
    """The operations of one API; the first that fits is taken. HEAD is taken for GET where it has no door."""

    def __init__(self, doors: Iterable[Door]) -> None:
        self._doors: dict[str, list[Door]] = {}
        for door in doors:
            self._doors.setdefault(door.method, []).append(door)

    def find(self, request: Request, path: str) -> Door | None:
        """The door for `path`, with what the path names told to the request; None where there is none."""
        methods = (request.method, "GET") if request.method == "HEAD" else (request.method,)
        for door in (door for method in methods for door in self._doors.get(method, ())):
            found = _pattern(door.path).fullmatch(path)
            if found:
                request.scope["path_params"] = found.groupdict()
                return door
        return None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", path)
    text = re.escape(parts[0])
    for name, wide, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += f"(?P<{name}>{'.*' if wide else '[^/]+'}){re.escape(after)}"
    return re.compile(text)
