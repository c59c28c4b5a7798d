"""Spoil 30 % of all answers on all four platforms for a whole deployment, and see that it ends right.

Each mix has a playground of its own, whose platforms have the limits that they document. What they were made to do,
counted by kind, must be the same as on a playground where nothing is spoilt. The erring release is deployed under a mix
too, so that its rollback meets the same faults.
`python -m bench.faults --seed 7 --mix garbage`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import Figure, table
from bench.kills import ERRING, GOOD, Deck
from console.playground import commands

PLATFORMS = ("render", "vercel", "supabase", "github")
RATE = 0.3
LONGEST = 1200.0
ASKED_AT_MOST = 5
ENDS = {"succeeded", "rolled_back", "aborted", "failed"}
Settings = dict[str, Any]


@dataclass(frozen=True)
class Mix:
    """What each platform suffers, under which release, and how much of its documented limits is left to us (0..1)."""

    faults: Mapping[str, Settings]
    release: str = GOOD
    limits: float = 1.0

    @property
    def wanted(self) -> str:
        return "succeeded" if self.release == GOOD else "rolled_back"


def _all(settings: Settings) -> dict[str, Settings]:
    return dict.fromkeys(PLATFORMS, settings)


ROUGH: Settings = {"status": 503, "garbage": True, "rate_limit": True, "cut": True, "empty": True, "slow": True}
MIXES: Mapping[str, Mix] = {
    "garbage": Mix(_all({"garbage": True, "lose_replies": True})),
    "limits": Mix(_all({"rate_limit": True})),
    "errors": Mix(_all({"status": 503, "lose_replies": True})),
    "wire": Mix(_all({"cut": True, "empty": True, "slow": True})),
    "each-its-own": Mix(
        {
            "render": {"status": 503, "lose_replies": True},
            "vercel": {"garbage": True, "lose_replies": True},
            "supabase": {"hang": True, "lose_replies": True},
            "github": {"rate_limit": True},
        }
    ),
    "everything": Mix(_all(ROUGH)),
    "narrow": Mix(_all({"status": 503, "garbage": True, "lose_replies": True}), limits=0.4),
    "rollback": Mix(_all(ROUGH), ERRING),
}


@dataclass(frozen=True)
class Outcome:
    """How one deployment ended, what it cost, and what the platforms saw of it."""

    status: str
    seconds: float
    made: dict[str, dict[str, int]]
    lost: int
    weights: dict[str, int]
    asked: int = 1
    why: str = ""
    came: dict[str, int] = field(default_factory=dict)
    spoilt: dict[str, int] = field(default_factory=dict)
    demands: dict[str, tuple[int, int, int]] = field(default_factory=dict)


def deploy(deck: Deck, release: str) -> Outcome:
    """Deploy, wait for the end, and tell what happened between."""
    before, began = deck.settled(), time.monotonic()
    name, asked = submit(deck, release)
    while (shown := deck.run("show", name))["status"] not in ENDS:
        if time.monotonic() - began > LONGEST:
            break
        time.sleep(1.0)
    after, seconds = deck.settled(), time.monotonic() - began
    new = after["failures"][len(before["failures"]) :]
    lost = after["requests_failed"] - before["requests_failed"]
    spoilt = {p: sum(_since(after["answers"][p]["spoilt"], before["answers"][p]["spoilt"]).values()) for p in PLATFORMS}
    return Outcome(
        shown["status"],
        seconds,
        made_between(before, after),
        lost if release == GOOD else sum(one["release"] != release for one in new),
        after["services"]["backend"]["weights"],
        asked,
        "; ".join(f"{step['id']}: {step['detail']}" for step in shown["steps"] if step["status"] == "failed"),
        {p: after["answers"][p]["came"] - before["answers"][p]["came"] for p in PLATFORMS},
        spoilt,
        {
            f"{platform} {bucket}": (told["most"], told["limit"], told["refused"])
            for platform, buckets in after["limits"].items()
            for bucket, told in buckets.items()
        },
    )


def submit(deck: Deck, release: str) -> tuple[str, int]:
    """Ask for the deployment as an operator does: again, by the same request, where it could not be planned.

    Gives its id, and how often it was asked for.
    """
    for asked in range(1, ASKED_AT_MOST):
        with suppress(RuntimeError):
            return deck.run("deploy", "production", "--release", release, "--request-id", "bench-faults")["id"], asked
    return deck.run("deploy", "production", "--release", release, "--request-id", "bench-faults")["id"], ASKED_AT_MOST


def made_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """What every platform was made to do, by kind; migrations and moves of traffic as platforms of their own."""
    made = {p: _since(after["kinds"][p], before["kinds"].get(p, {})) for p in PLATFORMS}
    made["caddy"] = _since({"weights": after["changes"]["caddy"]}, {"weights": before["changes"]["caddy"]})
    made["database"] = _since(after["migrations"]["production"], before["migrations"]["production"])
    return made


def _since(after: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    return {kind: number - before.get(kind, 0) for kind, number in after.items() if number != before.get(kind, 0)}


def differences(one: Outcome, reference: Outcome) -> list[str]:
    """The kinds of change that were made another number of times than undisturbed."""
    found = []
    for platform, made in reference.made.items():
        for kind in sorted({*made, *one.made[platform]}):
            expected, came = made.get(kind, 0), one.made[platform].get(kind, 0)
            if expected != came:
                found.append(f"{platform} {kind} {came} for {expected}")
    return found


def play(mix: Mix, seed: int) -> Outcome:
    """Bring a playground up, and make its first deployment under the mix."""
    with tempfile.TemporaryDirectory(prefix="qd-faults-") as directory:
        home, deck = Path(directory), Deck(Path(directory))
        commands.up(home, limit_scale=mix.limits)
        try:
            for platform, settings in mix.faults.items():
                commands.fault(home, platform, {**settings, "rate": RATE, "seed": seed})
            return deploy(deck, mix.release)
        finally:
            commands.clear(home)
            deck.run("worker", "stop", check=False)
            commands.down(home)


def figures(name: str, undisturbed: Outcome, disturbed: Outcome) -> list[Figure]:
    """One mix as figures; a bar stands where the issue asks for something."""
    mix = MIXES[name]
    shares = [f"{platform} {disturbed.spoilt[platform]} of {disturbed.came[platform]}" for platform in PLATFORMS]
    other = differences(disturbed, undisturbed)
    right = disturbed.status == mix.wanted and disturbed.weights == undisturbed.weights
    used = {key: f"{most} of {limit}" for key, (most, limit, _) in disturbed.demands.items()}
    busiest = max(disturbed.demands, key=lambda key: disturbed.demands[key][0] / disturbed.demands[key][1])
    refused = [key for key, (_, _, number) in disturbed.demands.items() if number]
    ended = f"{disturbed.status} · {disturbed.why}" if disturbed.why else disturbed.status
    return [
        Figure(f"faults · {name} · ended otherwise than it should", int(not right), "", 0, ended),
        Figure(f"faults · {name} · asked for", disturbed.asked, "", None, "until every platform let it be planned"),
        Figure(f"faults · {name} · lasted", disturbed.seconds, "s", None, f"undisturbed {undisturbed.seconds:.0f} s"),
        Figure(f"faults · {name} · answers spoilt", sum(disturbed.spoilt.values()), "", None, ", ".join(shares)),
        Figure(f"faults · {name} · changes made otherwise", len(other), "", 0, ", ".join(other)),
        Figure(f"faults · {name} · requests lost at the edge", disturbed.lost, "", 0),
        Figure(
            f"faults · {name} · requests above a limit",
            sum(number for _, _, number in disturbed.demands.values()),
            "",
            0,
            ", ".join(refused) or f"closest {busiest}: {used[busiest]}",
        ),
    ]


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--mix", action="append", choices=sorted(MIXES), help="all by default; may be repeated")
    options.add_argument("--format", choices=["text", "json"], default="text")
    chosen = options.parse_args()
    found: list[Figure] = []
    undisturbed: dict[str, Outcome] = {}
    for name in chosen.mix or MIXES:
        mix = MIXES[name]
        if mix.release not in undisturbed:
            undisturbed[mix.release] = play(Mix({}, mix.release), chosen.seed)
        told = figures(name, undisturbed[mix.release], play(mix, chosen.seed))
        found += told
        print(table(told), file=sys.stderr, flush=True)
    print(json.dumps([asdict(figure) for figure in found], indent=2) if chosen.format == "json" else table(found))
    return _exit_code(found)


def _exit_code(found: Sequence[Figure]) -> int:
    return 0 if all(figure.holds is not False for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
