"""Commands that decide about a deployment, stop it, or take it back."""

from __future__ import annotations

from console.cli.grammar import Commands, Parser, add_command
from console.cli.options import add_deployment, add_environment, add_reason, add_services, add_target, add_wait

HANDLER = "console.cli.controlling:control"
CONTROLS = {
    "approve": "let a deployment that waits for approval go on",
    "reject": "refuse a deployment that waits for approval",
    "pause": "hold a rollout where it is",
    "resume": "let a paused rollout go on",
    "promote": "end the current stage's wait and go forward; after a rollback, let pushes go live again",
    "retry": "try failed steps again",
    "skip": "leave out a failed step that nothing stands on; needs --reason",
    "renew": "ask anew for an emergency whose permission is over; needs --reason",
    "abort": "stop a deployment and take back what it changed",
}
OF_A_STEP = frozenset({"promote", "retry", "skip"})


def add(commands: Commands) -> None:
    """Add them to the command line."""
    for name, words in CONTROLS.items():
        _add_control(add_command(commands, name, HANDLER, words), of_a_step=name in OF_A_STEP)
        if name == "promote":
            commands.choices[name].add_argument(
                "--full", action="store_true", help="go to 100 %% at once, past the stages between"
            )
    rollback = add_command(
        commands, "rollback", "console.cli.controlling:rollback", "take a deployment back, traffic first"
    )
    add_target(rollback)
    add_services(rollback)
    add_reason(rollback)
    rollback.add_argument("--to", default="", metavar="RELEASE", help="go to this one, which was live before")
    words = "also put databases back to the backup from before migrations that no down script takes back"
    rollback.add_argument("--restore-database", action="store_true", help=words)
    words = "with --restore-database: the environment's name, instead of being asked"
    rollback.add_argument("--confirm", default="", metavar="NAME", help=words)
    rollback.add_argument("--preview", action="store_true", help="show what it would do, and do nothing")
    add_wait(rollback)
    words = "close the review of an emergency that somebody else asked for"
    review = add_command(commands, "review", "console.cli.reviewing:review", words)
    add_deployment(review)
    review.add_argument("--comment", required=True, metavar="TEXT", help="what you found; kept in the history")
    words = "emergencies that nobody has reviewed yet"
    add_environment(add_command(commands, "reviews", "console.cli.reviewing:reviews", words), optional=True)


def _add_control(parser: Parser, *, of_a_step: bool) -> None:
    add_target(parser)
    if of_a_step:
        parser.add_argument("--step", default="", metavar="ID", help="only this step; `show --format json` has its id")
    else:
        parser.set_defaults(step="")
    add_reason(parser)
