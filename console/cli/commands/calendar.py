"""`freeze` and `schedule`: when nothing goes forward, and what goes forward later."""

from __future__ import annotations

from console.cli.commands.deploying import add_wish
from console.cli.grammar import Commands, add_command, add_group
from console.cli.options import add_environment, add_request_id, add_services, add_yes


def add(commands: Commands) -> None:
    """Add both to the command line."""
    _add_freeze(add_group(commands, "freeze", "times in which nothing goes forward in an environment"))
    _add_schedule(add_group(commands, "schedule", "deployments that begin at a moment to come"))


def _add_freeze(actions: Commands) -> None:
    handler = "console.cli.freezing:freeze"
    add = add_command(actions, "add", handler, "let nothing go forward for a time; coming back is never frozen")
    add_environment(add)
    add.add_argument("--from", dest="begin", default="", metavar="TIME", help="when it begins (now); as --until")
    add.add_argument("--until", default="", metavar="TIME", help="when it ends: 22:00, or 2026-11-30T08:00 (UTC)")
    add.add_argument("--for", dest="length", default="", metavar="DURATION", help="how long it lasts (2h, 3d)")
    add_services(add, "hold these services alone; else everything in the environment")
    add.add_argument("--reason", required=True, metavar="TEXT", help="why; whoever is refused reads it")
    add_environment(add_command(actions, "list", handler, "those that hold, and those to come"), optional=True)
    lift = add_command(actions, "lift", handler, "end one that was added by hand")
    lift.add_argument("freeze", metavar="FREEZE|ENV", help="its id, or the environment that it holds")
    lift.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the audit")


def _add_schedule(actions: Commands) -> None:
    handler = "console.cli.scheduling:schedule"
    later = add_command(actions, "add", handler, "have a deployment begin then; shows its plan and asks")
    add_wish(later)
    add_yes(later)
    add_request_id(later, "deployment")
    known = add_command(actions, "list", handler, "what is to come")
    add_environment(known, optional=True)
    known.add_argument("--all", action="store_true", help="also what became of those of the last ninety days")
    cancel = add_command(actions, "cancel", handler, "take a deployment off the schedule")
    cancel.add_argument("scheduled", metavar="ID", help="its id; `quarterdeck schedule list` has it")
    cancel.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the audit")
