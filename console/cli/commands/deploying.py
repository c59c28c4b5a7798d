"""Commands that take an environment forward: `plan`, `deploy`, `recover`, `failover`, `maintenance`."""

from __future__ import annotations

from console.cli.grammar import Commands, Parser, add_command, add_group
from console.cli.options import (
    add_environment,
    add_reason,
    add_release,
    add_request_id,
    add_services,
    add_wait,
    add_yes,
    count,
)


def add(commands: Commands) -> None:
    """Add them to the command line."""
    add_wish(add_command(commands, "plan", "console.cli.deploying:plan", "what a deployment would do; does nothing"))
    deploy = add_command(commands, "deploy", "console.cli.deploying:deploy", "make a release live in an environment")
    add_wish(deploy)
    add_wait(deploy)
    add_yes(deploy)
    add_request_id(deploy, "deployment")
    _add_recover(commands)
    _add_failover(commands)
    _add_maintenance(commands)


def add_wish(parser: Parser) -> None:
    """Add what a deployment takes."""
    add_environment(parser)
    add_release(parser)
    add_services(parser)
    add_reason(parser)
    parser.add_argument(
        "--emergency", action="store_true", help="pass gates that the environment names; needs --reason"
    )
    words = "begin then: 22:00, 22:00 Europe/Berlin or 2026-11-22T22:00 (UTC); tomorrow where it is past"
    parser.add_argument("--at", default="", metavar="TIME", help=words)


def _add_recover(commands: Commands) -> None:
    words = "restart, scale or redeploy services; the release stays"
    recover = add_command(commands, "recover", "console.cli.recovering:recover", words)
    add_environment(recover)
    add_services(recover, "these services")
    acts = recover.add_mutually_exclusive_group(required=True)
    acts.add_argument("--restart", action="store_true", help="replace every instance by a fresh one")
    acts.add_argument("--scale", type=count, metavar="N", help="run so many instances")
    acts.add_argument("--redeploy", action="store_true", help="deploy what runs once more")
    add_reason(recover)
    add_yes(recover)
    add_wait(recover, is_default=True)


def _add_failover(commands: Commands) -> None:
    words = "let the standby take over from an environment that is lost"
    failover = add_command(commands, "failover", "console.cli.failover:failover", words)
    add_environment(failover)
    failover.add_argument("--back", action="store_true", help="return to the side that was left")
    failover.add_argument("--rehearse", action="store_true", help="check all, change nothing, say what to expect")
    failover.add_argument("--dry-run", action="store_true", help="show the plan and do nothing")
    failover.add_argument("--force", action="store_true", help="also where the old side cannot be fenced, or lags")
    failover.add_argument("--emergency", action="store_true", help="wait for no approval; needs --reason")
    add_reason(failover)
    add_yes(failover)
    add_request_id(failover, "failover")
    add_wait(failover)


def _add_maintenance(commands: Commands) -> None:
    handler = "console.cli.maintenance:maintenance"
    actions = add_group(commands, "maintenance", "holding pages before the services of an environment")
    on = add_command(actions, "on", handler, "show visitors a page instead of the services")
    off = add_command(actions, "off", handler, "show the services again")
    for parser in (on, off):
        add_environment(parser)
    on.add_argument(
        "--for", dest="length", default="", metavar="DURATION", help="ends by itself after this long (30m, 1h30m)"
    )
    on.add_argument("--until", default="", metavar="TIME", help="ends by itself then (14:30, or 2026-11-22T14:30; UTC)")
    on.add_argument("--message", default="", metavar="TEXT", help="what the page says, where a router shows it")
    on.add_argument("--emergency", action="store_true", help="wait for no approval; needs --reason")
    for parser in (on, off):
        add_services(parser)
        add_reason(parser)
        add_yes(parser)
        add_wait(parser, is_default=True)
    add_environment(add_command(actions, "status", handler, "which pages are up, since when and until when"))
