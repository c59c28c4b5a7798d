"""The command line: all commands in their families, and how it is read."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from console.cli.commands import (
    backups,
    calendar,
    controlling,
    databases,
    deploying,
    looking,
    migrating,
    platforms,
    settings,
    trying,
    weighing,
)
from console.cli.grammar import Commands, Parser, add_format, add_home

DESCRIPTION = """\
Deploys one product across Render, Vercel, Supabase and GitHub without downtime, and takes it back with one key.
Without a command the console opens."""

EPILOGUE = """\
`quarterdeck COMMAND --help` says what a command takes.

exit codes: 0 done and good · 1 failed · 2 wrong usage or configuration · 3 rolled back · 4 refused · 5 still waiting"""

FAMILIES: Sequence[tuple[str, Callable[[Commands], None]]] = (
    ("try it, without an account", trying.add),
    ("go forward", deploying.add),
    ("go forward later, or not now", calendar.add),
    ("decide, and come back", controlling.add),
    ("look", looking.add),
    ("weigh, changing nothing", weighing.add),
    ("platforms, by hand", platforms.add),
    ("a database's schema", migrating.add),
    ("data", databases.add),
    ("backups of data", backups.add),
    ("settings, secrets and the worker", settings.add),
)
WIDTH = 13


@cache
def build_parser() -> Parser:
    """Build the whole command line, once a process: reading it changes nothing in it."""
    parser = Parser(
        prog="quarterdeck",
        usage="quarterdeck [--home DIR] [--config FILE] [--format FORM] [COMMAND ...]",
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(handler="console.cli.opening:open_console")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    add_home(parser)
    add_format(parser)
    commands = parser.add_subparsers(
        prog=parser.prog, dest="command", metavar="COMMAND", help=argparse.SUPPRESS, parser_class=Parser
    )
    told = [DESCRIPTION]
    for title, add in FAMILIES:
        before = set(commands.choices)
        add(commands)
        told.append(_family_words(title, (one for name, one in commands.choices.items() if name not in before)))
    parser.description = "\n\n".join(told)
    return parser


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; the global options may stand before or after the command.

    `handler` of the result names the function that does it, as `module:function`.
    """
    options = build_parser().parse_args(arguments)
    options.command = options.command or ""
    for name, default in (("home", ""), ("config_file", ""), ("format", "text")):
        if getattr(options, name, None) is None:
            setattr(options, name, default)
    return options


def _family_words(title: str, commands: Iterable[Parser]) -> str:
    lines = [f"  {command.prog.split()[-1]:<{WIDTH}}{command.words}" for command in commands]
    return "\n".join([f"{title}:", *lines])
