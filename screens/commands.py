"""The one table of what can be done: keys, slash commands, footer, help and palette all come from it.

A command is carried out by the method `do_<id>` of the screen in front, or else of the app.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Scope = Literal[
    "anywhere",
    "list",
    "logs",
    "dashboard",
    "controls",
    "deployment",
    "history",
    "schedule",
    "report",
    "backups",
    "form",
    "preview",
    "dialog",
]


@dataclass(frozen=True)
class Command:
    """One thing to do.

    `keys` are Textual's names of keys; `shown` is what the footer calls the first one. `needs` is an action of
    `console.domain.roles`. `footer` is its rank in the footer, 0 for not there; a `shy` one stands there only while it
    can be done. `argument` is a hint such as `NAME`.
    """

    id: str
    help: str
    scope: Scope = "anywhere"
    keys: tuple[str, ...] = ()
    shown: str = ""
    label: str = ""
    slash: str = ""
    argument: str = ""
    needs: str = "view"
    footer: int = 0
    shy: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("deploy", "plan a deployment of the chosen environment", "controls", ("d",), "d", "deploy",
            needs="deploy", footer=20),
    Command("rollback", "take the release back: says what will happen, then y does it", "controls", ("R",
            "shift+r"), "R",
            "rollback", "/deploy-rollback", "[ENVIRONMENT] [SERVICE…]", "rollback", 10),
    Command("approve", "let a step pass that waits for approval, or reject it", "controls", ("a",), "a", "approve",
            "/deploy-approve", "[ENVIRONMENT]", "approve", 30),
    Command("pause", "pause a deployment before its next step, or go on", "controls", ("space",), "space", "pause",
            needs="pause", footer=40),
    Command("promote", "end the bake time: the next stage, or everybody at once; lifts a hold", "controls", ("p",), "p",
            "promote", needs="promote", footer=50),
    Command("promote_full", "everybody gets the release at once, past the stages between", slash="/deploy-promote-full",
            argument="[ENVIRONMENT]", needs="promote-full"),
    Command("abort", "stop a deployment and return traffic", "controls", ("x",), "x", "abort", needs="abort",
            footer=60),
    Command("retry", "try a failed step again", "controls", ("t",), "t", "try again", needs="retry", footer=12,
            shy=True),
    Command("skip", "leave out a failed step that nothing stands on, with a reason", "controls", ("S", "shift+s"), "S",
            "skip", "/deploy-skip", needs="skip", footer=14, shy=True),
    Command("open", "open what the cursor is on", "list", ("enter",), "⏎", "open", footer=70),
    Command("down", "one down", "list", ("j", "down"), "j ↓"),
    Command("up", "one up", "list", ("k", "up"), "k ↑"),
    Command("half_down", "half a page down", "list", ("ctrl+d", "pagedown"), "ctrl+d"),
    Command("half_up", "half a page up", "list", ("ctrl+u", "pageup"), "ctrl+u"),
    Command("first", "to the beginning", "list", ("g", "home"), "g"),
    Command("last", "to the end; in logs: follow", "list", ("G", "shift+g", "end"), "G"),
    Command("left", "pane on the left; in logs: scroll left", "list", ("h", "left"), "h ←"),
    Command("right", "pane on the right; in logs: scroll right", "list", ("l", "right"), "l →"),
    Command("next_pane", "next pane", "list", ("tab",), "tab"),
    Command("previous_pane", "previous pane", "list", ("shift+tab",), "shift+tab"),
    Command("follow", "follow the end of the log, or stop", "logs", ("f",), "f", "follow", footer=12),
    Command("filter", "show only what holds this text; ! in front inverts", "logs", ("slash",), "/", "filter",
            footer=11),
    Command("source", "only the next source, then all again", "logs", ("s",), "s", "source", footer=13),
    Command("level", "only errors, only warnings, then all again", "logs", ("v",), "v", "level", footer=14),
    Command("pane_1", "environments", "dashboard", ("1",), "1"),
    Command("pane_2", "pipeline", "dashboard", ("2",), "2", slash="/deploy-status"),
    Command("pane_3", "health", "dashboard", ("3",), "3", slash="/deploy-health"),
    Command("pane_4", "traffic", "dashboard", ("4",), "4"),
    Command("pane_5", "logs", "dashboard", ("5",), "5", slash="/deploy-logs", argument="[FILTER]"),
    Command("zoom", "the pane alone on the screen, or all again", "dashboard", ("z",), "z", "zoom", footer=80),
    Command("part_1", "steps", "deployment", ("1",), "1"),
    Command("part_2", "the step in detail", "deployment", ("2",), "2"),
    Command("part_3", "verdicts, traffic, keys pressed", "deployment", ("3",), "3"),
    Command("zoom", "the pane alone on the screen, or all again", "deployment", ("z",), "z", "zoom", footer=80),
    Command("filter", "show only lines that hold this text", "history", ("slash",), "/", "filter", footer=30),
    Command("report_of", "its report", "history", ("r",), "r", "report", footer=40),
    Command("mark", "mark it, to compare another one with it", "history", ("space",), "space", "mark", footer=50),
    Command("compare_here", "compare it with the marked one, else with the one before it in its environment", "history",
            ("v",), "v", "compare", footer=45),
    Command("add_scheduled", "have a release go to the chosen environment later", "schedule", ("n",), "n", "add",
            needs="schedule", footer=20),
    Command("add_freeze", "freeze the chosen environment until a time, with a reason", "schedule", ("f",), "f",
            "freeze", needs="freeze", footer=30),
    Command("strike", "take a deployment off the schedule, or lift a freeze that was added by hand", "schedule",
            ("x",), "x", "take away", needs="cancel-schedule", footer=40),
    Command("take_backup", "back up the environment's databases, and prove each by restoring it", "backups", ("t",),
            "t", "take", needs="deploy", footer=20),
    Command("verify_backup", "restore this one into a scratch database, and compare", "backups", ("v",), "v", "verify",
            needs="deploy", footer=30),
    Command("drill_backup", "restore the environment's newest ones for practice, with measured time", "backups", ("d",),
            "d", "drill", needs="deploy", footer=40),
    Command("restore_backup", "save the present, then replace it by this one: asks for the environment's name",
            "backups", ("R", "shift+r"), "R", "restore", needs="restore", footer=50),
    Command("save_markdown", "save as Markdown in the working directory", "report", ("m",), "m",
            "save Markdown", footer=20),
    Command("save_html", "save as one HTML file in the working directory", "report", ("w",), "w", "save HTML",
            footer=30),
    Command("plain", "show as plain text, outside the console, to select and copy", "report", ("t",), "t",
            "plain text", footer=40),
    Command("report", "report of the deployment", "controls", ("r",), "r", "report", "/report", "[DEPLOYMENT]",
            footer=75),
    Command("next_field", "next field", "form", ("tab", "down"), "tab", "next field", footer=20),
    Command("previous_field", "previous field", "form", ("shift+tab", "up"), "shift+tab"),
    Command("show_plan", "show what would happen", "form", ("enter",), "⏎", "show the plan", footer=10),
    Command("back", "back; nothing started", "form", ("escape",), "esc", "back", footer=95),
    Command("start", "start this plan", "preview", ("enter",), "⏎", "start it", needs="deploy", footer=10),
    Command("edit", "back to the form", "preview", ("e",), "e", "edit", footer=20),
    Command("confirm", "do it", "dialog", ("y",), "y", "yes, do it", footer=10),
    Command("reject", "reject it", "dialog", ("r",), "r", "reject", needs="reject"),
    Command("full", "everybody at once", "dialog", ("f",), "f", "everybody at once", needs="promote-full"),
    Command("decline", "leave everything as it is", "dialog", ("n",), "n", "no", footer=20),
    Command("deploy_staging", "plan a deployment to staging", slash="/deploy-staging", argument="[RELEASE]",
            needs="deploy"),
    Command("deploy_production", "plan a deployment to production", slash="/deploy-production",
            argument="[RELEASE]", needs="deploy"),
    Command("deploy_blue_green", "plan a blue-green deployment of the chosen environment", slash="/deploy-blue-green",
            argument="[RELEASE]", needs="deploy"),
    Command("deploy_canary", "plan a canary deployment of the chosen environment", slash="/deploy-canary",
            argument="[RELEASE]", needs="deploy"),
    Command("deploy_emergency", "plan an emergency deployment: passes over gates, asks why, opens a review",
            slash="/deploy-emergency", argument="[RELEASE]", needs="deploy"),
    Command("review", "say what you found in an emergency that somebody else asked for", slash="/deploy-review",
            argument="[ENVIRONMENT]", needs="review"),
    Command("renew", "ask anew for an emergency whose permission is over, with a reason", slash="/deploy-renew",
            needs="renew"),
    Command("deploy_maintenance", "show visitors a holding page, or take it away; 30m ends it by itself",
            slash="/deploy-maintenance", argument="[on|off] [30m]", needs="deploy"),
    Command("deploy_schedule", "deployments to come and freezes; with a time, plan one for then",
            slash="/deploy-schedule", argument="[TIME [RELEASE]]"),
    Command("deploy_disaster_recovery", "plan a failover of the chosen environment; back, rehearse, force",
            slash="/deploy-disaster-recovery", argument="[HOW]", needs="deploy"),
    Command("lift_hold", "after a rollback: let pushes go live again", slash="/deploy-lift-hold", needs="promote"),
    Command("recover", "plan a recovery: restart, redeploy or scale N services; the release stays",
            slash="/deploy-recover", argument="[HOW] [SERVICE…]", needs="deploy"),
    Command("compare", "two deployments side by side; else the last one with the one before it",
            slash="/deploy-compare", argument="[A] [B]"),
    Command("backups", "backups: how each database would come back; take, verify, drill, restore", slash="/backups"),
    Command("backup_take", "back up the chosen environment's databases now", slash="/backup-take",
            argument="[SERVICE…]", needs="deploy"),
    Command("backup_drill", "restore the newest backups of the chosen environment for practice", slash="/backup-drill",
            needs="deploy"),
    Command("metrics", "the health pane alone on the screen", slash="/deploy-metrics"),
    Command("history", "past deployments", "anywhere", ("H", "shift+h"), "H", "history", "/history", footer=77),
    Command("copy", "copy the id or the line to the clipboard of your own terminal (OSC 52)", "anywhere", ("c",),
            "c", "copy"),
    Command("commands", "commands by name", "anywhere", ("colon", "ctrl+p"), ":", "commands", footer=85),
    Command("slash", "commands by name", "anywhere", ("slash",), "/"),
    Command("theme", "dark, light, contrast or ansi (16 colours)", slash="/theme", argument="NAME"),
    Command("help", "the keys of where you are", "anywhere", ("question_mark", "f1"), "?", "help", "/help", footer=90),
    Command("back", "back; never quits", "anywhere", ("escape", "backspace"), "esc", "back", footer=95),
    Command("quit", "leave the console: deployments go on", "anywhere", ("q", "ctrl+c", "ctrl+q"), "q", "quit",
            "/quit", footer=99),
)  # fmt: skip


def in_scopes(scopes: Sequence[str]) -> list[Command]:
    """The commands of these scopes, those of the first scope first."""
    return [command for scope in scopes for command in COMMANDS if command.scope == scope]


def for_key(key: str, scopes: Sequence[str]) -> Command | None:
    """What a key means where these scopes hold, the narrowest scope first."""
    return next((command for command in in_scopes(scopes) if key in command.keys), None)


def slash_commands() -> tuple[Command, ...]:
    """Every command with a name to type, in alphabetical order."""
    return tuple(sorted((command for command in COMMANDS if command.slash), key=lambda command: command.slash))


@dataclass(frozen=True)
class Typed:
    """A command line that was understood."""

    command: Command
    argument: str = ""


def parse(line: str) -> Typed | None:
    """Understand `/name argument`, `name argument` or an unambiguous beginning of a name; None for anything else."""
    name, _, argument = line.strip().partition(" ")
    found = completions(name)
    exact = [command for command in found if command.slash == _slashed(name)]
    chosen = exact or (found if len(found) == 1 else [])
    return Typed(chosen[0], argument.strip()) if name.strip("/:") and chosen else None


def completions(typed: str) -> list[Command]:
    """The commands whose name begins with what was typed, then those whose name or help holds it."""
    word = typed.strip().partition(" ")[0].lower()
    if word in {"q", ":q", "/q"}:
        return [command for command in slash_commands() if command.id == "quit"]
    wanted = _slashed(word)
    begins = [command for command in slash_commands() if command.slash.startswith(wanted)]
    inner = word.strip("/:")
    holds = [
        command
        for command in slash_commands()
        if command not in begins and (inner in command.slash or (len(inner) > 2 and inner in command.help.lower()))
    ]
    return begins or holds


def _slashed(word: str) -> str:
    return "/" + word.lower().lstrip("/:")


def footer_commands(scopes: Sequence[str]) -> list[Command]:
    """What the footer names, most important first, each key once."""
    chosen: list[Command] = []
    taken: set[str] = set()
    for command in in_scopes(scopes):
        if command.footer and not taken.intersection(command.keys):
            chosen.append(command)
        taken.update(command.keys)
    return sorted(chosen, key=lambda command: command.footer)


def help_groups(scopes: Sequence[str]) -> Iterable[tuple[str, list[Command]]]:
    """What `?` lists: the commands with a key, by scope."""
    taken: set[str] = set()
    for scope in scopes:
        group = []
        for command in COMMANDS:
            if command.scope == scope and command.keys and command.keys[0] not in taken:
                group.append(command)
                taken.update(command.keys)
        if group:
            yield scope, group
