"""The command line: every command, its options, and the function that does it, named but not yet imported.

`HANDLERS` names module and function as text, so that asking for help or for the status does not pay for the console,
the engine or an HTTP client.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import NoReturn, TypeAlias

from console.cli.calendar_options import AT_HELP, add_calendar
from console.cli.what_if import add_what_if
from console.domain.errors import ExitCode

DESCRIPTION = """\
Deploys one product across Render, Vercel, Supabase and GitHub without downtime, and takes it back with one key.
Without a command the console opens."""

EPILOGUE = """\
exit codes: 0 done and good · 1 failed · 2 wrong usage or configuration · 3 rolled back · 4 refused · 5 still waiting"""

HANDLERS = {
    "": "console.cli.opening:open_console",
    "demo": "console.cli.demo:demo",
    "playground": "console.cli.playground:playground",
    "worker": "console.cli.worker:worker",
    "plan": "console.cli.deploying:plan",
    "deploy": "console.cli.deploying:deploy",
    "rollback": "console.cli.controlling:rollback",
    "failover": "console.cli.failover:failover",
    "approve": "console.cli.controlling:control",
    "reject": "console.cli.controlling:control",
    "pause": "console.cli.controlling:control",
    "resume": "console.cli.controlling:control",
    "promote": "console.cli.controlling:control",
    "abort": "console.cli.controlling:control",
    "retry": "console.cli.controlling:control",
    "recover": "console.cli.recovering:recover",
    "skip": "console.cli.controlling:control",
    "renew": "console.cli.controlling:control",
    "status": "console.cli.looking:status",
    "health": "console.cli.looking:health",
    "metrics": "console.cli.looking:metrics",
    "logs": "console.cli.logs:logs",
    "history": "console.cli.looking:history",
    "show": "console.cli.looking:show",
    "report": "console.cli.reporting:report",
    "review": "console.cli.reviewing:review",
    "reviews": "console.cli.reviewing:reviews",
    "judge": "console.cli.judge:judge",
    "replay": "console.cli.replay:replay",
    "rehearse": "console.cli.rehearse:rehearse",
    "init": "console.cli.init:init",
    "doctor": "console.cli.doctor:doctor",
    "providers": "console.cli.desk:providers",
    "ask": "console.cli.desk:ask",
    "act": "console.cli.desk:act",
    "config": "console.cli.configuration:config",
    "secrets": "console.cli.secrets:secrets",
    "maintenance": "console.cli.maintenance:maintenance",
    "freeze": "console.cli.freezing:freeze",
    "schedule": "console.cli.scheduling:schedule",
}

CONTROLS = {
    "approve": "let a deployment that waits for approval go on",
    "reject": "refuse a deployment that waits for approval",
    "pause": "hold a rollout where it is",
    "resume": "let a paused rollout go on",
    "promote": "end the current stage's wait and go forward; after a rollback, let pushes go live again",
    "abort": "stop a deployment and take back what it changed",
    "retry": "try failed steps again",
    "skip": "leave out a failed step that nothing stands on, with --reason",
    "renew": "ask anew for an emergency deployment whose permission is over, with --reason",
}


class Parser(argparse.ArgumentParser):
    """argparse with our exit code, no second voice on stdout, and a guess at what a mistyped word was to be."""

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
        near = get_close_matches(mistyped[1] or mistyped[2], choices if mistyped[1] else self._option_string_actions, 1)
        return f"Did you mean {near[0]}?\n" if near else ""


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number


def build_parser() -> Parser:
    """Build the whole command line."""
    parser = Parser(
        prog="quarterdeck",
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    _add_globals(parser)
    _add_format(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _add_trying(commands)
    _add_worker(commands)
    _add_deploying(commands)
    _add_failover(commands)
    _add_controls(commands)
    _add_looking(commands)
    add_what_if(lambda name, words: _command(commands, name, words), _count)
    _add_desk(commands)
    _add_config(commands)
    _add_secrets(commands)
    _add_maintenance(commands)
    add_calendar(lambda name, words: _group(commands, name, words), _command, _add_wish)
    return parser


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; the global options may stand before or after the command."""
    options = build_parser().parse_args(arguments)
    options.command = options.command or ""
    for name, default in (("home", ""), ("config_file", ""), ("format", "text")):
        if getattr(options, name, None) is None:
            setattr(options, name, default)
    return options


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # argparse has no public name for it


def _add_globals(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    unset = argparse.SUPPRESS if again else None
    parser.add_argument("--home", metavar="DIR", default=unset, help="state directory (else $QUARTERDECK_HOME)")
    parser.add_argument(
        "--config", metavar="FILE", dest="config_file", default=unset, help="configuration (else DIR/config.toml)"
    )


def _add_format(parser: argparse.ArgumentParser, forms: Sequence[str] = ("text", "json", "jsonl")) -> None:
    parser.add_argument("--format", choices=forms, default=argparse.SUPPRESS, help="how to show it (text)")


def _command(commands: Commands, name: str, words: str) -> Parser:
    parser = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    _add_globals(parser, again=True)
    _add_format(parser)
    return parser


def _group(commands: Commands, name: str, words: str) -> Commands:
    """A command that has actions."""
    parser = commands.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    _add_globals(parser, again=True)
    return parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)


def _add_trying(commands: Commands) -> None:
    demo = _command(commands, "demo", "bring up a playground and show a guided deployment")
    demo.add_argument("--headless", action="store_true", help="tell the story as text and exit 0 if it held")
    demo.add_argument("--rps", type=float, default=50.0, help="requests a second of the playground's traffic (50)")

    actions = _group(commands, "playground", "the emulated platforms with a real product")
    up = _command(actions, "up", "start everything")
    up.add_argument("--rps", type=float, default=None, help="requests a second")
    _command(actions, "down", "stop everything it started")
    _command(actions, "status", "what runs, and what its traffic saw")
    traffic = _command(actions, "traffic", "change the load")
    traffic.add_argument("--rps", type=float, required=True, help="requests a second")
    fault = _command(actions, "fault", "make something go wrong")
    fault.add_argument("what", choices=("app", "render", "vercel", "supabase", "github", "clear"))
    fault.add_argument("--release", metavar="REF", help="app: which release suffers")
    fault.add_argument("--error-rate", type=float, help="app: share of answers that are 500, 0..1")
    fault.add_argument("--latency-ms", type=int, help="delay of every answer")
    fault.add_argument("--status", type=int, help="platform: answer with this HTTP status")
    fault.add_argument("--rate", type=float, help="platform: share of answers concerned, 0..1; several kinds draw lots")
    fault.add_argument("--hang", action="store_true", help="platform: never answer")
    fault.add_argument("--garbage", action="store_true", help="platform: answer nonsense")
    fault.add_argument("--rate-limit", action="store_true", help="platform: answer 429")
    fault.add_argument("--cut", action="store_true", help="platform: do it, and break off in the middle of the answer")
    fault.add_argument("--empty", action="store_true", help="platform: do it, and answer nothing but 200")
    fault.add_argument("--slow", action="store_true", help="platform: do it, and answer up to 15 s later")
    fault.add_argument("--lose-replies", action="store_true", help="platform: do half of the changes that are refused")
    fault.add_argument("--seed", type=int, help="platform: make the lots repeatable")


def _add_worker(commands: Commands) -> None:
    actions = _group(commands, "worker", "the process that does the work")
    _command(actions, "run", "run the worker in the foreground, as under systemd")
    _command(actions, "start", "start a worker in the background")
    _command(actions, "stop", "stop it; running deployments go on with the next one")
    _command(actions, "status", "whether one runs, and what it does")


def _add_wish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("environment", metavar="ENV")
    parser.add_argument("--strategy", default="", metavar="S", help="how it goes live (else the configuration's)")
    parser.add_argument("--release", default="", metavar="REF", help="tag, branch or commit (else the branch's head)")
    parser.add_argument("--service", nargs="+", action="extend", default=[], metavar="NAME", help="only these services")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
    parser.add_argument(
        "--emergency", action="store_true", help="pass gates that the environment names; needs --reason"
    )
    parser.add_argument("--at", default="", metavar="TIME", help=AT_HELP)


def _add_waiting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="stay until it has ended")
    parser.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="stop waiting after this long; it goes on")


def _add_deploying(commands: Commands) -> None:
    _add_wish(_command(commands, "plan", "what a deployment would do, without doing it"))
    deploy = _command(commands, "deploy", "make a release live in an environment")
    _add_wish(deploy)
    _add_waiting(deploy)
    deploy.add_argument("--yes", action="store_true", help="do not ask")
    deploy.add_argument("--request-id", default="", metavar="ID", help="the same id twice is one deployment")


def _add_failover(commands: Commands) -> None:
    failover = _command(commands, "failover", "let the standby take over from an environment that is lost")
    failover.add_argument("environment", metavar="ENV")
    failover.add_argument("--back", action="store_true", help="return to the side that was left")
    failover.add_argument("--rehearse", action="store_true", help="check all, change nothing, say what to expect")
    failover.add_argument("--dry-run", action="store_true", help="show the plan and do nothing")
    failover.add_argument("--force", action="store_true", help="also where the old side cannot be fenced, or lags")
    failover.add_argument("--emergency", action="store_true", help="wait for no approval; needs --reason")
    failover.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
    failover.add_argument("--yes", action="store_true", help="do not ask")
    failover.add_argument("--request-id", default="", metavar="ID", help="the same id twice is one failover")
    _add_waiting(failover)


def _add_controls(commands: Commands) -> None:
    rollback = _command(commands, "rollback", "take a deployment back, traffic first")
    rollback.add_argument("target", metavar="ENV|DEPLOYMENT")
    rollback.add_argument(
        "--service", nargs="+", action="extend", default=[], metavar="NAME", help="only these services"
    )
    rollback.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
    rollback.add_argument("--to", default="", metavar="RELEASE", help="go to this one, which was live before")
    rollback.add_argument("--preview", action="store_true", help="show what it would do, and do nothing")
    _add_waiting(rollback)
    recover = _command(commands, "recover", "restart, scale or redeploy services; the release stays")
    recover.add_argument("environment", metavar="ENV")
    recover.add_argument("--service", nargs="+", action="extend", default=[], metavar="NAME", help="these services")
    acts = recover.add_mutually_exclusive_group(required=True)
    acts.add_argument("--restart", action="store_true", help="replace every instance by a fresh one")
    acts.add_argument("--scale", type=_count, metavar="N", help="run so many instances")
    acts.add_argument("--redeploy", action="store_true", help="deploy what runs once more")
    recover.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
    recover.add_argument("--yes", action="store_true", help="do not ask")
    recover.add_argument("--wait", action=argparse.BooleanOptionalAction, default=True, help="stay until it has ended")
    recover.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="stop waiting after this long; it goes on")
    for name, words in CONTROLS.items():
        control = _command(commands, name, words)
        control.add_argument("target", metavar="ENV|DEPLOYMENT")
        control.add_argument("--step", default="", metavar="STEP", help="only this step")
        control.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
        if name == "promote":
            control.add_argument("--full", action="store_true", help="go to 100 %% at once, past the stages between")
    review = _command(commands, "review", "close the review of an emergency that somebody else asked for")
    review.add_argument("deployment", metavar="DEPLOYMENT")
    review.add_argument("--comment", required=True, metavar="TEXT", help="what you found; kept in the history")
    reviews = _command(commands, "reviews", "emergencies that nobody has reviewed yet")
    reviews.add_argument("environment", metavar="ENV", nargs="?", default="")


def _add_looking(commands: Commands) -> None:
    status = _command(commands, "status", "what is live, and what moves")
    status.add_argument("environment", metavar="ENV", nargs="?", default="")
    health = _command(commands, "health", "errors, latency and load of every arm")
    health.add_argument("environment", metavar="ENV", nargs="?", default="")
    metrics = _command(commands, "metrics", "figures that were kept")
    metrics.add_argument("environment", metavar="ENV", nargs="?", default="")
    metrics.add_argument("--since", default="15m", metavar="TIME", help="a time, or how long ago (15m)")
    metrics.add_argument("--name", action="append", default=[], metavar="NAME", help="only this figure")
    metrics.add_argument("--check", action="store_true", help="measure every configured metric once, now")
    logs = _command(commands, "logs", "log lines of an environment or a deployment")
    logs.add_argument("target", metavar="ENV|DEPLOYMENT", nargs="?", default="")
    logs.add_argument("--follow", "-f", action="store_true", help="go on with new lines")
    logs.add_argument("--source", action="append", default=[], metavar="NAME", help="only this source")
    logs.add_argument("--grep", default="", metavar="TEXT", help="only lines that contain this")
    logs.add_argument("--level", default="", metavar="LEVEL", help="only lines of this level")
    logs.add_argument("--since", default="", metavar="TIME", help="a time, or how long ago")
    logs.add_argument("--limit", type=_count, default=500, metavar="N", help="at most so many lines (500)")
    history = _command(commands, "history", "deployments, newest first")
    history.add_argument("environment", metavar="ENV", nargs="?", default="")
    history.add_argument("--status", default="", metavar="STATUS", help="only those that ended so")
    history.add_argument("--limit", type=_count, default=20, metavar="N", help="at most so many (20)")
    show = _command(commands, "show", "one deployment: steps, traffic, verdicts, rollback")
    show.add_argument("deployment", metavar="DEPLOYMENT")
    report = commands.add_parser("report", help="the report of a deployment")
    _add_globals(report, again=True)
    report.add_argument("deployment", metavar="DEPLOYMENT")
    _add_format(report, ("md", "html", "json"))
    report.add_argument("--output", default="", metavar="FILE", help="write it there (else stdout)")
    judge = _command(commands, "judge", "how often the judge of rollouts is wrong, and how soon it is right")
    judge.add_argument("--simulate", action="store_true", help="simulate whole rollouts with the default settings")
    judge.add_argument("--seed", type=int, default=1, metavar="N", help="where chance begins (1)")
    judge.add_argument("--look", type=_seconds, default=25.0, metavar="SECONDS", help="between two judgements (25)")
    judge.add_argument("--rollouts", type=_count, default=2000, metavar="N", help="rollouts of every kind (2000)")


def _add_desk(commands: Commands) -> None:
    init = _command(commands, "init", "write a configuration from what the platforms have")
    init.add_argument("--yes", action="store_true", help="ask nothing: take what is sure, the rest as comments")
    init.add_argument("--output", default="", metavar="FILE", help="write it there (else where it is looked for)")
    doctor = _command(commands, "doctor", "check host, configuration, worker, tokens and platforms")
    doctor.add_argument("provider", metavar="PROVIDER", nargs="*", help="only these platforms")
    providers = _command(commands, "providers", "what every platform can do, and what it takes")
    providers.add_argument("provider", metavar="PROVIDER", nargs="?", default="")
    ask = _command(commands, "ask", "ask a platform something")
    ask.add_argument("provider", metavar="PROVIDER")
    ask.add_argument("reading", metavar="READING")
    act = _command(commands, "act", "change something at a platform, once")
    act.add_argument("provider", metavar="PROVIDER", nargs="?", default="")
    act.add_argument("action", metavar="ACTION", nargs="?", default="")
    for parser in (ask, act):
        words = "NAME=VALUE, NAME=@FILE or NAME=- (standard input); NAME.KEY=VALUE for a table"
        parser.add_argument("arguments", metavar="NAME=VALUE", nargs="*", default=(), help=words)
    act.add_argument("--yes", action="store_true", help="also where it cannot be taken back, or stops what serves")
    act.add_argument("--wait", action=argparse.BooleanOptionalAction, default=True, help="stay until it has ended")
    act.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="stay no longer than this; it goes on")
    act.add_argument("--request-id", default="", metavar="ID", help="the same id twice is one change")
    act.add_argument("--list", action="store_true", help="list changes of thirty days, unfinished ones first")
    act.add_argument("--limit", type=int, default=50, metavar="N", help="with --list: at most so many")


def _add_config(commands: Commands) -> None:
    actions = _group(commands, "config", "the configuration")
    _command(actions, "check", "say every problem of the configuration")
    schema = _command(actions, "schema", "print the JSON Schema that editors complete and check with")
    schema.add_argument("of", metavar="WHAT", nargs="?", choices=("config", "pipeline"), default="config")
    _command(actions, "show", "the settings in force; secrets stay references")
    diff = _command(actions, "diff", "variables of services: set, wanted, and what the live release ran with")
    diff.add_argument("environment", metavar="ENV")
    diff.add_argument("--with", dest="other", default="", metavar="ENV", help="compare with another environment")
    diff.add_argument("--service", nargs="+", action="extend", default=[], metavar="NAME", help="only these services")
    diff.add_argument("--all", action="store_true", help="also what is equal")
    sync = _command(actions, "sync", "set the variables that differ from the configuration; shows them first")
    sync.add_argument("environment", metavar="ENV")
    sync.add_argument("--service", nargs="+", action="extend", default=[], metavar="NAME", help="only these services")
    sync.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
    sync.add_argument("--undo", action="store_true", help="take back the last sync")
    sync.add_argument("--yes", action="store_true", help="do not ask")
    sync.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="stop waiting after this long; it goes on")


def _add_maintenance(commands: Commands) -> None:
    actions = _group(commands, "maintenance", "holding pages before the services of an environment")
    on = _command(actions, "on", "show visitors a page instead of the services")
    off = _command(actions, "off", "show the services again")
    on.add_argument("--for", dest="length", default="", metavar="DURATION", help="ends by itself after this long (30m)")
    on.add_argument("--until", default="", metavar="TIME", help="ends by itself then (14:30, or 2026-11-22T14:30; UTC)")
    on.add_argument("--message", default="", metavar="TEXT", help="what the page says, where a router shows it")
    on.add_argument("--emergency", action="store_true", help="wait for no approval; needs --reason")
    for parser in (on, off):
        parser.add_argument("environment", metavar="ENV")
        parser.add_argument(
            "--service", nargs="+", action="extend", default=[], metavar="NAME", help="only these services"
        )
        parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--wait", action=argparse.BooleanOptionalAction, default=True, help="stay until it has ended"
        )
        parser.add_argument(
            "--timeout", type=_seconds, metavar="SECONDS", help="stop waiting after this long; it goes on"
        )
    status = _command(actions, "status", "which pages are up, since when and until when")
    status.add_argument("environment", metavar="ENV")


def _add_secrets(commands: Commands) -> None:
    actions = _group(commands, "secrets", "where secrets are kept and used")
    check = _command(actions, "check", "what is unresolved, open to others, shared, unused or old")
    check.add_argument("--max-age", type=_count, default=90, metavar="DAYS", help="days after which one is old (90)")
    rotate = _command(actions, "rotate", "put a new secret in the place of an old one, and give the old one up last")
    rotate.add_argument("environment", metavar="ENV")
    rotate.add_argument("name", metavar="NAME", help="variable by which services get the secret")
    rotate.add_argument("--kind", choices=("variable", "api-key", "database"), default="variable", help="what it is")
    rotate.add_argument("--provider", default="", metavar="P", help="who issues it; for an API key")
    rotate.add_argument("--service", nargs="+", action="extend", default=[], metavar="NAME", help="find it by these")
    rotate.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")
    rotate.add_argument("--yes", action="store_true", help="do not ask")
    rotate.add_argument("--wait", action=argparse.BooleanOptionalAction, default=True, help="stay until it has ended")
    rotate.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="stop waiting after this long; it goes on")
