"""Commands about the platforms themselves: `init`, `doctor`, `providers`, and `ask` and `act` by hand."""

from __future__ import annotations

from console.cli.grammar import Commands, Parser, add_command
from console.cli.options import add_request_id, add_wait, count


def add(commands: Commands) -> None:
    """Add them to the command line."""
    words = "write a first configuration from what the platforms have"
    init = add_command(commands, "init", "console.cli.init:init", words)
    init.add_argument("--yes", action="store_true", help="ask nothing: take what is sure, the rest as comments")
    init.add_argument("--output", default="", metavar="FILE", help="write it there (else where it is looked for)")
    words = "check host, configuration, worker, tokens and platforms"
    doctor = add_command(commands, "doctor", "console.cli.doctor:doctor", words)
    doctor.add_argument("provider", metavar="PROVIDER", nargs="*", help="only these platforms")
    words = "what every platform can do, and what it takes"
    providers = add_command(commands, "providers", "console.cli.desk:providers", words)
    providers.add_argument("provider", metavar="PROVIDER", nargs="?", default="", help="only this one, in full")
    _add_ask(commands)
    _add_act(commands)


def _add_ask(commands: Commands) -> None:
    ask = add_command(commands, "ask", "console.cli.desk:ask", "ask a platform something")
    ask.add_argument("provider", metavar="PROVIDER", help="name of a platform in the configuration")
    ask.add_argument("reading", metavar="READING", help="what to ask; `quarterdeck providers` lists it")
    _add_arguments(ask)


def _add_act(commands: Commands) -> None:
    act = add_command(commands, "act", "console.cli.desk:act", "change something at a platform, once")
    act.add_argument(
        "provider", metavar="PROVIDER", nargs="?", default="", help="name of a platform in the configuration"
    )
    act.add_argument(
        "action", metavar="ACTION", nargs="?", default="", help="what to do; `quarterdeck providers` lists it"
    )
    _add_arguments(act)
    act.add_argument("--yes", action="store_true", help="also where it cannot be taken back, or stops what serves")
    add_wait(act, is_default=True)
    add_request_id(act, "change")
    act.add_argument("--list", action="store_true", help="list changes of thirty days, unfinished ones first")
    act.add_argument("--limit", type=count, default=50, metavar="N", help="with --list: at most so many (50)")


def _add_arguments(parser: Parser) -> None:
    words = "NAME=VALUE, NAME=@FILE or NAME=- (standard input); NAME.KEY=VALUE for a table"
    parser.add_argument("arguments", metavar="NAME=VALUE", nargs="*", default=(), help=words)
