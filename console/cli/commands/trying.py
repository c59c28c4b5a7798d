"""`demo` and `playground`: to see it all without an account."""

from __future__ import annotations

from console.cli.grammar import Commands, Parser, add_command, add_group

HANDLER = "console.cli.playground:playground"


def add(commands: Commands) -> None:
    """Add both to the command line."""
    demo = add_command(
        commands, "demo", "console.cli.demo:demo", "bring up a playground and show a guided deployment on it"
    )
    demo.add_argument("--headless", action="store_true", help="tell the story as text and exit 0 if it held")
    demo.add_argument("--rps", type=float, default=50.0, metavar="N", help="requests a second of its customers (50)")

    actions = add_group(
        commands, "playground", "the platforms emulated on this host, with a real product and customers"
    )
    up = add_command(actions, "up", HANDLER, "start everything, and write a configuration for it")
    up.add_argument("--rps", type=float, default=None, metavar="N", help="requests a second of its customers (50)")
    add_command(actions, "down", HANDLER, "stop everything that it started, and the worker")
    add_command(actions, "status", HANDLER, "what runs, which releases there are, and what customers saw")
    traffic = add_command(actions, "traffic", HANDLER, "change the load")
    traffic.add_argument("--rps", type=float, required=True, metavar="N", help="requests a second")
    _add_faults(add_command(actions, "fault", HANDLER, "make a release or a platform go wrong, or all good again"))


def _add_faults(fault: Parser) -> None:
    fault.add_argument(
        "what",
        metavar="WHAT",
        choices=("app", "render", "vercel", "supabase", "github", "clear"),
        help="app, for a release of the product; a platform: render, vercel, supabase, github; clear ends all faults",
    )
    fault.add_argument("--release", metavar="REF", help="app: which release suffers")
    fault.add_argument("--error-rate", type=float, metavar="SHARE", help="app: share of answers that are 500, 0..1")
    fault.add_argument("--latency-ms", type=int, metavar="N", help="delay of every answer")
    fault.add_argument("--status", type=int, metavar="CODE", help="platform: answer with this HTTP status")
    fault.add_argument(
        "--rate",
        type=float,
        metavar="SHARE",
        help="platform: share of answers concerned, 0..1; several kinds draw lots",
    )
    fault.add_argument("--hang", action="store_true", help="platform: never answer")
    fault.add_argument("--garbage", action="store_true", help="platform: answer nonsense")
    fault.add_argument("--rate-limit", action="store_true", help="platform: answer 429")
    fault.add_argument("--cut", action="store_true", help="platform: do it, and break off in the middle of the answer")
    fault.add_argument("--empty", action="store_true", help="platform: do it, and answer nothing but 200")
    fault.add_argument("--slow", action="store_true", help="platform: do it, and answer up to 15 s later")
    fault.add_argument("--lose-replies", action="store_true", help="platform: do half of the changes that are refused")
    fault.add_argument("--seed", type=int, metavar="N", help="platform: make the lots repeatable")
