"""What every command of the command line is made of: the parser itself, a command, a command with actions.

Every command names the function that does it as text, `module:function`, so that asking for help or for the status does
not pay for the console, the engine or an HTTP client.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn, TypeAlias

from console.domain.errors import ExitCode

FORMATS = ("text", "json", "jsonl")
NEAR = 0.7
"""How like a known word a mistyped one must be to be taken for it, 0..1."""


class Parser(argparse.ArgumentParser):
    """argparse with our exit code, no second voice on stdout, and a guess at what a mistyped word was to be."""

    words: str = ""
    """What the command is for, as the list of commands says it."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n{self._guess(message)}See `{self.prog} --help`.\n")

    def parse_known_args(  # type: ignore[override]  # argparse's overloads are about namespaces of other classes
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Let each command refuse what it does not know, since it alone knows what comes near."""
        known, rest = super().parse_known_args(args, namespace)
        if rest and hasattr(known, "arguments") and not any(word.startswith("-") for word in rest):
            known.arguments, rest = [*known.arguments, *rest], []  # those that stand behind an option
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return known, rest

    def _guess(self, message: str) -> str:
        mistyped = re.search(r"invalid choice: '([^']*)'|unrecognized arguments: (?:.* )?(--[^ =]+)", message)
        if mistyped is None:
            return ""
        from difflib import get_close_matches

        choices = [str(choice) for action in self._actions for choice in action.choices or ()]
        known = choices if mistyped[1] else list(self._option_string_actions)
        near = get_close_matches(mistyped[1] or mistyped[2], known, 1, NEAR)
        return f"Did you mean {near[0]}?\n" if near else ""


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # argparse has no public name for it


def add_command(commands: Commands, name: str, handler: str, words: str, *, formats: Sequence[str] = FORMATS) -> Parser:
    """Add a command, or an action of one.

    Args:
        handler: The function that does it, as `module:function`.
        words: What it is for; begins small and ends without a full stop.
        formats: What `--format` takes; the first is the one without it.
    """
    parser = _add_parser(commands, name, words)
    add_format(parser, formats)
    parser.set_defaults(handler=handler)
    return parser


def add_group(commands: Commands, name: str, words: str) -> Commands:
    """Add a command that does nothing by itself; the result takes its actions."""
    parser = _add_parser(commands, name, words)
    add_format(parser)
    return parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)


def add_home(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add the options that say which worker is meant; `again` lets those before the command stand."""
    unset = argparse.SUPPRESS if again else None
    parser.add_argument("--home", metavar="DIR", default=unset, help="state directory (else $QUARTERDECK_HOME)")
    parser.add_argument(
        "--config", metavar="FILE", dest="config_file", default=unset, help="configuration (else DIR/config.toml)"
    )


def add_format(parser: argparse.ArgumentParser, formats: Sequence[str] = FORMATS) -> None:
    words = f"how to show it ({formats[0]})"
    parser.add_argument("--format", choices=formats, default=argparse.SUPPRESS, help=words)


def _add_parser(commands: Commands, name: str, words: str) -> Parser:
    said = words[:1].upper() + words[1:] + "."
    if commands.dest == "action":
        parser = commands.add_parser(name, description=said, help=words)
    else:  # whole commands are listed by family
        parser = commands.add_parser(name, description=said)
    parser.words = words
    add_home(parser, again=True)
    return parser
