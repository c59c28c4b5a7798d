"""Options and arguments that several commands take, always by the same name and in the same words."""

from __future__ import annotations

import argparse


def count(text: str) -> int:
    """Read a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """Read a length in seconds."""
    number = _number(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number


def share(text: str) -> float:
    """Read a number above 0 and up to 1."""
    number = _number(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and up to 1")
    return number


def add_environment(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    if optional:
        parser.add_argument("environment", metavar="ENV", nargs="?", default="", help="only this environment")
    else:
        parser.add_argument("environment", metavar="ENV", help="name of an environment")


def add_target(parser: argparse.ArgumentParser) -> None:
    words = "an environment, for its latest deployment; or a deployment's id, or part of one"
    parser.add_argument("target", metavar="ENV|DEPLOYMENT", help=words)


def add_deployment(parser: argparse.ArgumentParser) -> None:
    words = "its id, or part of it; or an environment, for its latest"
    parser.add_argument("deployment", metavar="DEPLOYMENT", help=words)


def add_services(parser: argparse.ArgumentParser, words: str = "only these services") -> None:
    parser.add_argument("--service", nargs="+", action="extend", default=[], metavar="NAME", help=words)


def add_reason(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; kept in the history")


def add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def add_wait(parser: argparse.ArgumentParser, *, is_default: bool = False) -> None:
    """Add `--wait`, or where that is the default also `--no-wait`, and `--timeout`."""
    if is_default:
        words = "stay until it has ended (the default), or only begin it"
        parser.add_argument("--wait", action=argparse.BooleanOptionalAction, default=True, help=words)
    else:
        parser.add_argument("--wait", action="store_true", help="stay until it has ended")
    add_timeout(parser)


def add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="stop waiting after this long; it goes on")


def add_request_id(parser: argparse.ArgumentParser, noun: str) -> None:
    parser.add_argument("--request-id", default="", metavar="ID", help=f"the same id twice is one {noun}")


def add_release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--release", default="", metavar="REF", help="tag, branch or commit (else the branch's head)")
    parser.add_argument("--strategy", default="", metavar="NAME", help="how it goes live (else the configuration's)")


def _number(text: str) -> float:
    """NaN, which is in no range, for what is no number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")
