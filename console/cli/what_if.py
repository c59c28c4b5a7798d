"""Options of the commands that ask what would be: `rehearse` and `replay`."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add_what_if(command: Callable[[str, str], argparse.ArgumentParser], count: Callable[[str], int]) -> None:
    """Add both to the command line.

    Args:
        command: Makes a command by its name and its words.
        count: Reads a whole number from 1 on.
    """
    rehearse = command("rehearse", "run today's plan against stand-ins of the platforms, changing nothing")
    rehearse.add_argument("environment", metavar="ENV")
    rehearse.add_argument("--release", default="", metavar="REF", help="tag, branch or commit (else the branch's head)")
    rehearse.add_argument("--strategy", default="", metavar="S", help="how it goes live (else the configuration's)")
    rehearse.add_argument("--service", nargs="+", action="extend", default=[], metavar="NAME", help="only these")
    words = "calls to platforms fail: status, hang, rate-limit or lose-replies, for a share of them (0.3)"
    rehearse.add_argument("--fault", action="append", default=[], metavar="KIND[:SHARE]", help=words)
    rehearse.add_argument("--bad", choices=("errors", "latency"), default="", help="the release errs, or is slow")
    rehearse.add_argument("--rps", type=float, default=50.0, metavar="N", help="requests a second of a route (50)")
    rehearse.add_argument("--seed", type=int, default=1, metavar="N", help="where chance begins (1)")
    replay = command("replay", "past rollouts judged by today's configuration: which verdicts would differ")
    replay.add_argument("environment", metavar="ENV", nargs="?", default="")
    replay.add_argument("--since", default="", metavar="TIME", help="only those that began after, or how long ago")
    replay.add_argument("--deployment", default="", metavar="ID", help="only this deployment")
    replay.add_argument("--alpha", type=_rate, metavar="P", help="judge by this chance of a false rollback")
    replay.add_argument("--floor", type=_rate, metavar="P", help="by this least difference of error rates")
    replay.add_argument("--min-requests", type=count, metavar="N", help="by so many requests a stage at least")
    replay.add_argument("--max-error-rate", type=_rate, metavar="P", help="by this highest error rate")


def _rate(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")
    return number
