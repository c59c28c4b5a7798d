"""Run every scenario many times, on every core there is."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed

from console.watch.simulation.figures import Figures, gather
from console.watch.simulation.rollout import Ended, Rules, run_rollout
from console.watch.simulation.scenarios import SCENARIOS

BATCH = 50

Batch = tuple[str, int, int]
"""A scenario's name, its first rollout and how many."""


def simulate(
    seed: int,
    rollouts: int,
    rules: Rules | None = None,
    *,
    in_full: bool = False,
    processes: int | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Figures:
    """Simulate `rollouts` of every scenario and gather the figures; the seed alone decides them, not the cores.

    Args:
        rules: By what they are judged; None takes what ships.
        in_full: Run the collector and the judge of a worker at every look; some thirty times as long.
        told: Called with rollouts done and in total, now and then.
        processes: How many work at once; None takes every core, 1 stays in this process.
    """
    began = time.monotonic()
    rules = rules or Rules()
    batches = list(_batches(rollouts))
    total, done = sum(count for _, _, count in batches), 0
    parts: dict[Batch, list[Ended]] = {}
    for batch, ended in _run(seed, rules, in_full, batches, processes or _cores()):
        parts[batch] = ended
        done += len(ended)
        told(done, total)
    ended_of = {name: [one for batch in batches if batch[0] == name for one in parts[batch]] for name in SCENARIOS}
    return gather(seed, rollouts, rules.look, ended_of, time.monotonic() - began)


def _batches(rollouts: int) -> Iterator[Batch]:
    for name, scenario in SCENARIOS.items():
        count = max(1, round(rollouts * scenario.part))
        for first in range(0, count, BATCH):
            yield name, first, min(BATCH, count - first)


def _run(
    seed: int, rules: Rules, in_full: bool, batches: list[Batch], processes: int
) -> Iterator[tuple[Batch, list[Ended]]]:
    if processes == 1:
        for batch in batches:
            yield batch, run_batch(seed, rules, in_full, batch)
        return
    # A fresh interpreter each: what this process holds open or has locked is of no use there.
    # What a rollout leaves behind goes without the collector of cycles, which would only search in vain.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=gc.disable) as pool:
        running = {pool.submit(run_batch, seed, rules, in_full, batch): batch for batch in batches}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def run_batch(seed: int, rules: Rules, in_full: bool, batch: Batch) -> list[Ended]:
    name, first, count = batch
    numbers = range(first, first + count)
    return [run_rollout(SCENARIOS[name], str(seed), number, rules, in_full=in_full) for number in numbers]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
