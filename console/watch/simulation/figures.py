"""From many ended rollouts to the figures that are promised, each beside its bar."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.watch.simulation import scenarios as of
from console.watch.simulation.rollout import Ended

ALPHA = 0.01
SURE = 2.33
"""Standard deviations of the 99 % point: so many false rollbacks above the mean a judge that keeps alpha may show."""
DETECTION = {of.ERRORS: (110, 280), of.LATENCY: (210, 490)}
"""Canary requests until rollback at 5 % share: median and 95th percentile."""
FOUND_BY = {of.ERRORS: "errors", of.LATENCY: "latency"}
"""The trigger that must have found it: a rollback for another reason is luck."""

PASSES_BEFORE = {of.SILENT_LATER: 1}
"""Stages that may pass before the silence begins."""

SPLIT_WITHIN, SPLIT_ALPHA = 5000, 0.001


@dataclass(frozen=True)
class Bar:
    """One promise: `value` must not exceed `most`."""

    name: str
    value: float
    most: float

    @property
    def holds(self) -> bool:
        return self.value <= self.most


@dataclass(frozen=True)
class Detection:
    """Canary requests until rollback; `detected` is the share (0..1) of rollouts that were rolled back at all."""

    median: float
    p95: float
    detected: float


@dataclass(frozen=True)
class Split:
    """Requests of both arms until a split of 7 % instead of 5 % was held; alarms among fairly divided rollouts."""

    held: float
    median_requests: float
    p95_requests: float
    judged: int
    fair_alarms: int
    fair_rollouts: int


@dataclass(frozen=True)
class ScenarioFigures:
    """How the rollouts of one scenario ended, as shares (0..1); those that are left waited for a person or were held.

    `triggers` counts those that were rolled back by what did it. `looks` are the judgements of all of them; of most it
    is proved that the judge would let the rollout go on, `asked` counts the others.
    """

    rollouts: int
    rolled_back: float
    finished: float
    held: float
    triggers: Mapping[str, int]
    looks: int
    asked: int


@dataclass(frozen=True)
class Figures:
    """What `quarterdeck judge --simulate` shows; `look` is the time (s) between two judgements."""

    seed: int
    rollouts: int
    look: float
    false_rollback_rate: float
    false_rollbacks: int
    false_rollback_rate_drift: float
    false_rollback_rate_outage: float
    false_rollbacks_by_trigger: Mapping[str, Mapping[str, int]]
    finished: Mapping[str, float]
    detection: Mapping[str, Detection]
    silent_passes: int
    silent_rollouts: int
    split: Split
    scenarios: Mapping[str, ScenarioFigures]
    bars: tuple[Bar, ...]
    seconds: float

    @property
    def holds(self) -> bool:
        return all(bar.holds for bar in self.bars)


def most_false(rollouts: int, alpha: float = ALPHA) -> int:
    """False alarms that a judge with a true rate of alpha stays within 99 times of 100: 31 of 2,000 at 1 %."""
    return math.ceil(alpha * rollouts + SURE * math.sqrt(alpha * (1 - alpha) * rollouts))


def gather(seed: int, rollouts: int, look: float, ended: Mapping[str, Sequence[Ended]], seconds: float) -> Figures:
    """Count what each scenario came to."""
    fair = [ended[name] for name in of.FAIR]
    false = [sum(one.is_rolled_back for one in group) for group in fair]
    detection = {name: _detection(ended[name], FOUND_BY[name]) for name in DETECTION}
    split = _split(ended[of.SPLIT], [one for group in fair for one in group])
    silent = [one for name in of.SILENT for one in ended[name]]
    passes = sum(max(0, one.passes - PASSES_BEFORE.get(name, 0)) for name in of.SILENT for one in ended[name])
    bars = [
        *(
            Bar(f"false rollbacks, {name}", count, most_false(len(group)))
            for name, count, group in zip(("same", "drift", "outage"), false, fair, strict=True)
        ),
        *(Bar(f"{name}, median", detection[name].median, most) for name, (most, _) in DETECTION.items()),
        *(Bar(f"{name}, p95", detection[name].p95, most) for name, (_, most) in DETECTION.items()),
        Bar("passes on silence", passes, 0),
        Bar("unfair split, p95 of requests until held", split.p95_requests, SPLIT_WITHIN),
        Bar("fair split, alarms", split.fair_alarms, most_false(split.fair_rollouts, SPLIT_ALPHA)),
        Bar("unfair split, judged all the same", split.judged, most_false(len(ended[of.SPLIT]))),
    ]
    rates = [count / max(1, len(group)) for count, group in zip(false, fair, strict=True)]
    return Figures(
        seed=seed,
        rollouts=rollouts,
        look=look,
        false_rollback_rate=rates[0],
        false_rollbacks=false[0],
        false_rollback_rate_drift=rates[1],
        false_rollback_rate_outage=rates[2],
        false_rollbacks_by_trigger={
            name: _triggers(group) for name, group in zip(("same", "drift", "outage"), fair, strict=True)
        },
        finished={
            name: sum(one.is_finished for one in group) / max(1, len(group))
            for name, group in zip(("same", "drift", "outage"), fair, strict=True)
        },
        detection=detection,
        silent_passes=passes,
        silent_rollouts=len(silent),
        split=split,
        scenarios={name: _scenario(group) for name, group in ended.items()},
        bars=tuple(bars),
        seconds=round(seconds, 1),
    )


def _scenario(ended: Sequence[Ended]) -> ScenarioFigures:
    number = max(1, len(ended))
    rolled_back, finished = sum(one.is_rolled_back for one in ended), sum(one.is_finished for one in ended)
    return ScenarioFigures(
        rollouts=len(ended),
        rolled_back=rolled_back / number,
        finished=finished / number,
        held=(len(ended) - rolled_back - finished) / number,
        triggers=_triggers(ended),
        looks=sum(one.looks for one in ended),
        asked=sum(one.asked for one in ended),
    )


def _triggers(ended: Iterable[Ended]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for one in ended:
        if one.is_rolled_back:
            counts[one.trigger] = counts.get(one.trigger, 0) + 1
    return counts


def _detection(ended: Sequence[Ended], trigger: str) -> Detection:
    """What was never found for what it is counts as found last, at what the canary had got by the end."""
    is_found = [one.is_rolled_back and one.trigger == trigger for one in ended]
    found = sorted(one.requests for one, is_it in zip(ended, is_found, strict=True) if is_it)
    late = sorted(one.requests for one, is_it in zip(ended, is_found, strict=True) if not is_it)
    delays = [*found, *late]
    return Detection(_quantile(delays, 0.5), _quantile(delays, 0.95), len(found) / max(1, len(ended)))


def _split(unfair: Sequence[Ended], fair: Sequence[Ended]) -> Split:
    held = [one.split_after for one in unfair if one.split_after is not None]
    missed = [one.all_requests for one in unfair if one.split_after is None]
    requests = [*sorted(held), *sorted(missed)]
    return Split(
        held=len(held) / max(1, len(unfair)),
        median_requests=_quantile(requests, 0.5),
        p95_requests=_quantile(requests, 0.95),
        judged=sum(one.is_rolled_back or one.passes > 0 for one in unfair),
        fair_alarms=sum(one.split_after is not None for one in fair),
        fair_rollouts=len(fair),
    )


def _quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else math.inf
