"""How many requests a minute reading logs may take of each platform, and what it takes there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.watch.pace import CAUTIOUS as CAUTIOUS_LOOKING
from console.watch.pace import MANNERS as LOOKING

LOOKS_A_MINUTE = 3
"""How often the platforms are asked about one arm, at most, that somebody watches."""


@dataclass(frozen=True)
class Reading:
    """What reading one log takes, in requests.

    `limit` is what the platform allows in a minute. `look` is one question for a range, with another one for each
    further `page` of lines; at most `lines` are asked for. Following takes `begin`, then `silent` a minute, or
    `speaking` while lines come. `most` may be followed together, 0 where following is nothing but asking again.
    `every` is the number of seconds between two looks at a log that speaks.
    """

    limit: int
    look: int
    page: int
    lines: int
    begin: int
    silent: int
    speaking: int
    most: int
    every: float


READINGS: Mapping[str, Reading] = {
    # A socket costs its opening and one look. Twelve silent logs for which none can be opened take 36 a minute.
    "render": Reading(400, look=1, page=100, lines=300, begin=2, silent=0, speaking=0, most=12, every=5.0),
    # The list of deployments and the events of three, every 2 to 20 seconds; and the stream, opened anew each minute.
    # The first half minute sees seven such looks.
    "vercel": Reading(500, look=4, page=10_000, lines=10_000, begin=24, silent=14, speaking=122, most=6, every=5.0),
    # One query, counted with all other requests of the user.
    "supabase": Reading(60, look=1, page=1_000, lines=1_000, begin=1, silent=3, speaking=6, most=0, every=10.0),
}
CAUTIOUS = Reading(60, look=1, page=100, lines=300, begin=2, silent=3, speaking=30, most=2, every=5.0)
"""For a kind of which nothing is known here."""


def share_of(kind: str, arms: int) -> float:
    """Requests a minute for logs: half of what looking leaves in the long run, and never all of what it ever leaves.

    Args:
        arms: How many the connection has, all environments together.
    """
    looking = LOOKING.get(kind, CAUTIOUS_LOOKING)
    needed = arms * looking.cost * LOOKS_A_MINUTE
    limit = READINGS.get(kind, CAUTIOUS).limit
    in_the_long_run = limit - min(needed, looking.a_minute)
    at_worst = limit - min(needed, looking.most_in_a_minute)
    return min(in_the_long_run / 2, at_worst * 3 / 4)
