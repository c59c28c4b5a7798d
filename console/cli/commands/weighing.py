"""Commands that ask what would be, or how good the judge is: `rehearse`, `replay`, `judge`."""

from __future__ import annotations

from console.cli.grammar import Commands, add_command
from console.cli.options import add_environment, add_release, add_services, count, seconds, share


def add(commands: Commands) -> None:
    """Add them to the command line."""
    _add_rehearse(commands)
    _add_replay(commands)
    words = "how often the judge of rollouts is wrong, and how soon it is right"
    judge = add_command(commands, "judge", "console.cli.judge:judge", words)
    judge.add_argument("--simulate", action="store_true", help="simulate whole rollouts with the default settings")
    judge.add_argument("--seed", type=int, default=1, metavar="N", help="where chance begins (1)")
    words = "between two judgements (what ships, 1)"
    judge.add_argument("--look", type=seconds, default=None, metavar="SECONDS", help=words)
    words = "run a worker's collector and judge at every look, though nothing differs; some 30 times as long"
    judge.add_argument("--in-full", action="store_true", help=words)
    judge.add_argument("--rollouts", type=count, default=2000, metavar="N", help="rollouts of every kind (2000)")


def _add_rehearse(commands: Commands) -> None:
    words = "run today's plan against stand-ins of the platforms"
    rehearse = add_command(commands, "rehearse", "console.cli.rehearse:rehearse", words)
    add_environment(rehearse)
    add_release(rehearse)
    add_services(rehearse)
    words = "calls to platforms fail: status, hang, rate-limit or lose-replies, for a share of them (0.3)"
    rehearse.add_argument("--fault", action="append", default=[], metavar="KIND[:SHARE]", help=words)
    rehearse.add_argument("--bad", choices=("errors", "latency"), default="", help="the release errs, or is slow")
    rehearse.add_argument("--rps", type=float, default=50.0, metavar="N", help="requests a second of a route (50)")
    rehearse.add_argument("--seed", type=int, default=1, metavar="N", help="where chance begins (1)")


def _add_replay(commands: Commands) -> None:
    words = "past rollouts judged by today's configuration: which verdicts would differ"
    replay = add_command(commands, "replay", "console.cli.replay:replay", words)
    add_environment(replay, optional=True)
    replay.add_argument(
        "--since", default="", metavar="TIME", help="only those that began then or later, or how long ago"
    )
    replay.add_argument("--deployment", default="", metavar="ID", help="only this deployment")
    replay.add_argument("--alpha", type=share, metavar="P", help="judge by this chance of a false rollback")
    replay.add_argument("--floor", type=share, metavar="P", help="by this least difference of error rates")
    replay.add_argument("--min-requests", type=count, metavar="N", help="by so many requests a stage at least")
    replay.add_argument("--max-error-rate", type=share, metavar="P", help="by this highest error rate")
