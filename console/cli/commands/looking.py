"""Commands that only look: what is live, how it feels, what it says, what was done."""

from __future__ import annotations

from console.cli.grammar import Commands, add_command, add_group
from console.cli.options import add_deployment, add_environment, count

HOW_LONG_AGO = "how long ago (10m, 2h), or a moment (2026-11-22T06:16, UTC)"


def add(commands: Commands) -> None:
    """Add them to the command line."""
    status = add_command(commands, "status", "console.cli.looking:status", "what is live, and what moves")
    add_environment(status, optional=True)
    health = add_command(commands, "health", "console.cli.looking:health", "errors, latency and load of every arm")
    add_environment(health, optional=True)
    metrics = add_command(commands, "metrics", "console.cli.looking:metrics", "figures that were kept, oldest first")
    add_environment(metrics, optional=True)
    metrics.add_argument("--since", default="15m", metavar="TIME", help=f"{HOW_LONG_AGO}; 15m otherwise")
    metrics.add_argument(
        "--name", action="append", default=[], metavar="NAME", help="only this figure; may come several times"
    )
    metrics.add_argument("--check", action="store_true", help="measure every configured metric once, now")
    _add_logs(commands)
    history = add_command(commands, "history", "console.cli.looking:history", "deployments, newest first")
    add_environment(history, optional=True)
    history.add_argument(
        "--status", default="", metavar="STATUS", help="only those that stand so: running, succeeded, rolled_back, …"
    )
    history.add_argument("--limit", type=count, default=20, metavar="N", help="at most so many (20)")
    words = "one deployment: steps, traffic, verdicts, rollback"
    add_deployment(add_command(commands, "show", "console.cli.looking:show", words))
    words = "two deployments or releases side by side: steps, traffic, verdicts, figures, variables, how they ended"
    both = add_command(commands, "compare", "console.cli.side_by_side:compare_two", words)
    what = "a deployment's id or part of it, an environment for its latest, or a release for its newest deployment"
    both.add_argument("first", metavar="A", help=what)
    both.add_argument("second", metavar="B", nargs="?", default="", help="else what came before A in its environment")
    words = "delivery in figures: how often, how fast, how much fails, how soon it is mended"
    dora = add_command(commands, "dora", "console.cli.auditing:dora", words)
    add_environment(dora, optional=True)
    dora.add_argument("--since", default="30d", metavar="TIME", help=f"{HOW_LONG_AGO}; 30d otherwise")
    _add_audit(add_group(commands, "audit", "who did what and when, and whether the record is whole"))
    words = "the report of a deployment"
    report = add_command(commands, "report", "console.cli.reporting:report", words, formats=("md", "html", "json"))
    add_deployment(report)
    report.add_argument("--output", default="", metavar="FILE", help="write it there (else stdout)")


def _add_audit(actions: Commands) -> None:
    handler = "console.cli.auditing:audit"
    show = add_command(actions, "show", handler, "who asked for what, and how it ended; newest first")
    show.add_argument("--since", default="", metavar="TIME", help=HOW_LONG_AGO)
    show.add_argument("--actor", default="", metavar="NAME", help="only what they asked for")
    show.add_argument("--subject", default="", metavar="NAME", help="only of this deployment, environment or platform")
    show.add_argument("--limit", type=count, default=200, metavar="N", help="of at most so many rows (200)")
    add_command(actions, "verify", handler, "whether the record is whole; says what cannot be proven")


def _add_logs(commands: Commands) -> None:
    logs = add_command(commands, "logs", "console.cli.logs:logs", "log lines of an environment or a deployment")
    logs.add_argument("target", metavar="ENV|DEPLOYMENT", nargs="?", default="", help="whose lines (else everything's)")
    logs.add_argument("--follow", "-f", action="store_true", help="go on with new lines")
    logs.add_argument(
        "--source", action="append", default=[], metavar="NAME", help="only this source; may come several times"
    )
    logs.add_argument("--grep", default="", metavar="TEXT", help="only lines that contain this, in any case")
    logs.add_argument(
        "--level", default="", metavar="LEVEL", help="only lines as severe as this: debug, info, warning, error"
    )
    logs.add_argument("--since", default="", metavar="TIME", help=HOW_LONG_AGO)
    logs.add_argument("--limit", type=count, default=500, metavar="N", help="at most so many lines (500)")
