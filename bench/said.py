"""What the services of many say: each a line every half minute, in the words of its platform's log."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

EVERY = 30.0
MINUTE = timedelta(minutes=1)


def lines_between(place: str, begin: datetime, end: datetime) -> Iterator[tuple[datetime, int]]:
    """When a place said something in a range, and the number of that line; numbers rise by one."""
    offset = zlib.crc32(place.encode()) % int(EVERY * 1000) / 1000
    number = int((begin.timestamp() - offset) // EVERY)
    while (at := number * EVERY + offset) <= end.timestamp():
        if at >= begin.timestamp():
            yield datetime.fromtimestamp(at, UTC), number
        number += 1


def next_line(place: str, after: datetime) -> tuple[datetime, int]:
    return next(lines_between(place, after + timedelta(milliseconds=1), after + timedelta(seconds=2 * EVERY)))


def log_answer(platform: str, path: str, query: Mapping[str, str], now: datetime) -> object | None:
    """The answer to a question about a log; None for every other question."""
    if platform == "render" and path == "v1/logs":
        begin, end = _time(query["startTime"]), min(now, _time(query["endTime"]))
        place = query["resource"]
        logs = [render_line(place, at, number) for at, number in lines_between(place, begin, end)]
        return {"hasMore": False, "nextStartTime": "", "nextEndTime": "", "logs": logs}
    if platform == "vercel" and path == "v6/deployments":
        listed = [{"uid": f"dpl_{query['projectId']}_{n}", "state": "READY", "created": 1} for n in range(3)]
        return {"deployments": listed, "pagination": {"count": 3, "next": None, "prev": None}}
    if platform == "vercel" and (found := re.fullmatch(r"v3/deployments/dpl_(\w+)_([0-2])/events", path)):
        begin = datetime.fromtimestamp(int(query["since"]) / 1000, UTC)
        said = lines_between(found[1], begin, now) if found[2] == "0" else ()
        return [
            {"type": "stdout", "created": round(at.timestamp() * 1000), "text": f"line {number}"} for at, number in said
        ]
    if platform == "supabase" and (found := re.fullmatch(r"v1/projects/([^/]+)/.*/logs\.all", path)):
        begin = _time(query["iso_timestamp_start"]).replace(second=0, microsecond=0)
        end = min(now, _time(query["iso_timestamp_end"]).replace(second=0, microsecond=0) + MINUTE)
        return {
            "result": [
                {"id": str(number), "timestamp": round(at.timestamp() * 1e6), "event_message": f"line {number}"}
                for at, number in lines_between(found[1], begin, end)
            ]
        }
    return None


def render_line(place: str, at: datetime, number: int) -> object:
    return {"id": f"{place}-{number}", "timestamp": at.isoformat(), "message": f"line {number}", "labels": []}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
