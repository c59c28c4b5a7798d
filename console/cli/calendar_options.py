"""Options of `freeze` and `schedule`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

AT_HELP = "begin then: 22:00, 22:00 Europe/Berlin or 2026-11-22T22:00 (UTC); tomorrow where it is past"

Group = Callable[[str, str], Any]
Command = Callable[[Any, str, str], argparse.ArgumentParser]


def add_calendar(group: Group, command: Command, add_wish: Callable[[Any], None]) -> None:
    """Add both to the command line.

    Args:
        group: Makes a command that has actions, by its name and its words; what it gives takes them.
        command: Makes an action among others, by its name and its words.
        add_wish: Adds what a deployment takes.
    """
    freezes = group("freeze", "times in which nothing goes forward in an environment")
    add = command(freezes, "add", "let nothing go forward for a time; coming back is never frozen")
    add.add_argument("environment", metavar="ENV")
    add.add_argument("--from", dest="begin", default="", metavar="TIME", help="when it begins (now); as --until")
    add.add_argument("--until", default="", metavar="TIME", help="when it ends: 22:00, or 2026-11-30T08:00 (UTC)")
    add.add_argument("--for", dest="length", default="", metavar="DURATION", help="how long it lasts (2h, 3d)")
    add.add_argument("--reason", required=True, metavar="TEXT", help="why; whoever is refused reads it")
    shown = command(freezes, "list", "those that hold, and those to come")
    shown.add_argument("environment", metavar="ENV", nargs="?", default="")
    lift = command(freezes, "lift", "end one that was added by hand")
    lift.add_argument("freeze", metavar="FREEZE|ENV")
    lift.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the audit")

    schedule = group("schedule", "deployments that begin at a moment to come")
    later = command(schedule, "add", "have a deployment begin then; shows its plan and asks")
    add_wish(later)
    later.add_argument("--yes", action="store_true", help="do not ask")
    later.add_argument("--request-id", default="", metavar="ID", help="the same id twice is one deployment")
    known = command(schedule, "list", "what is to come")
    known.add_argument("environment", metavar="ENV", nargs="?", default="")
    known.add_argument("--all", action="store_true", help="also what became of those of the last ninety days")
    cancel = command(schedule, "cancel", "take a deployment off the schedule")
    cancel.add_argument("scheduled", metavar="ID")
    cancel.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the audit")
