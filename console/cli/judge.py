"""`judge --simulate`: how often the shipped judge is wrong, and how soon it is right, beside what is promised."""

from __future__ import annotations

from collections.abc import Iterator

from console.cli.output import show_json, show_lines
from console.cli.session import Session
from console.config.environments import JudgeSettings
from console.domain.codec import to_json
from console.domain.errors import ExitCode, UsageError
from console.planning.draft import judge_arguments
from console.watch.judgement import judge_settings
from console.watch.simulation.figures import Figures
from console.watch.simulation.rollout import Rules
from console.watch.simulation.run import simulate

NAMES = {"same": "no worse", "drift": "no worse, errors of both ×10", "outage": "no worse, both fail for a while"}


def judge(session: Session) -> int:
    """Simulate whole rollouts with the default settings; ends well when every promise holds."""
    options = session.options
    if not options.simulate:
        raise UsageError("There is nothing to judge.", "judge", "Write `quarterdeck judge --simulate`.")
    rules = shipped_rules(options.look)
    progress = _Progress(session)
    found = simulate(options.seed, options.rollouts, rules, in_full=options.in_full, told=progress.tell)
    if session.form == "text":
        show_lines(session, _lines(found))
    else:
        show_json(session, {**to_json(found), "bars": _bars(found), "holds": found.holds})
    return ExitCode.GOOD if found.holds else ExitCode.FAILED


def shipped_rules(look: float | None = None) -> Rules:
    """By what a rollout is judged where the configuration says nothing; `look` (s) takes the place of the interval."""
    shipped = JudgeSettings()
    return Rules(
        settings=judge_settings(judge_arguments(shipped)),
        look=look or shipped.interval.total_seconds(),
        patience=shipped.hold.total_seconds(),
        undecided=shipped.undecided,
    )


class _Progress:
    """Every tenth of the way a line on stderr."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tenths = 0

    def tell(self, done: int, total: int) -> None:
        tenths = 10 * done // total
        if tenths > self._tenths:
            self._tenths = tenths
            self._session.say(f"{done:,} of {total:,} rollouts simulated")


def _bars(found: Figures) -> list[dict[str, object]]:
    return [{"name": bar.name, "value": bar.value, "most": bar.most, "holds": bar.holds} for bar in found.bars]


def _lines(found: Figures) -> Iterator[str]:
    yield f"{found.rollouts:,} rollouts of each kind, seed {found.seed}, judged every {found.look:g} s"
    yield ""
    width = max(len(bar.name) for bar in found.bars)
    for bar in found.bars:
        yield f"{'✓' if bar.holds else '✗'} {bar.name:<{width}}  {bar.value:>8,.6g}   at most {bar.most:,.6g}"
    yield ""
    looks, asked = (sum(getattr(one, key) for one in found.scenarios.values()) for key in ("looks", "asked"))
    yield f"{looks:,} judgements, in {asked:,} of which the judge had to be asked; {found.seconds:,.0f} s"
    for name, share in found.finished.items():
        yield f"{NAMES[name]}: {share:.1%} went through without waiting for anybody"
    for name, detection in found.detection.items():
        yield f"{name}: {detection.detected:.1%} found"
    split = found.split
    yield f"unfair split: {split.held:.1%} held, median after {split.median_requests:,.0f} requests"
    yield f"fair split: {split.fair_alarms} alarms in {split.fair_rollouts:,} rollouts"
