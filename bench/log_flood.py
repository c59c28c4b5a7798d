"""How the console answers keys while a service writes 20,000 lines a second: `python -m bench.log_flood`.

The real console runs in a pseudo-terminal of 120x40 over a service in memory, with the real driver. A thread of its
own makes the lines, as the client's reader does, and hands them over in batches; five times a second a key is
pressed and timed until its effect is in the bytes that arrive. Printed: lines offered and kept, key latencies in
milliseconds, bytes a second to the terminal, resident memory in MiB, and CPU in percent of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import gc
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure

KEYS = (b"2", b"1")
"""To the second pane and back: both titles are on the screen's second line, where nothing else changes."""
PRESS_EVERY_S = 0.2
BATCH_S = 0.05
WARM_UP_S = 2.5


def resident_mib() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def console(rate: int, seconds: float, result: str) -> None:
    """The console's side: runs in the pseudo-terminal until the flood has ended."""
    from screens.run import favour_keys

    favour_keys()
    from console.client.service import LogBatch, LogQuery
    from console.domain.telemetry import LogLine
    from screens.app import QuarterdeckApp
    from screens.driver import DiffDriver
    from tests.screens import scene
    from tests.screens.fake_service import FakeService

    made = {"lines": 0}

    class Flood(FakeService):
        async def _follow(self) -> AsyncIterator[LogBatch]:
            loop = asyncio.get_running_loop()
            queue: asyncio.Queue[LogBatch] = asyncio.Queue()

            def produce() -> None:
                begin, number = time.perf_counter() + 1.0, 0
                while (passed := time.perf_counter() - begin) < seconds:
                    due = max(0, int(passed * rate))
                    at = datetime.now(UTC)
                    lines = tuple(
                        LogLine(
                            at,
                            f"api-{n % 16:02d}",
                            f"request id={n * 2654435761 % 2**32:08x} /v1/orders/{n} 200 {n % 900}ms",
                        )
                        for n in range(number, due)
                    )
                    number = due
                    made["lines"] = number
                    loop.call_soon_threadsafe(queue.put_nowait, LogBatch(lines))
                    time.sleep(BATCH_S)

            threading.Thread(target=produce, daemon=True).start()
            while True:
                yield await queue.get()

        def follow_logs(self, query: LogQuery) -> AsyncIterator[LogBatch]:
            return self._follow()

    async def run() -> None:
        gc.freeze()
        app = QuarterdeckApp(Flood(scene.tale("succeeded").events), driver_class=DiffDriver)
        late: list[float] = []

        async def watch() -> None:
            await asyncio.sleep(WARM_UP_S)
            begin, cpu = time.perf_counter(), time.process_time()
            while time.perf_counter() - begin < seconds:
                asked = time.perf_counter()
                await asyncio.sleep(0.01)
                late.append(time.perf_counter() - asked - 0.01)
            took = time.perf_counter() - begin
            late.sort()
            figures = {
                "lines_offered": made["lines"],
                "lines_taken": app.store.logs.total,
                "lines_kept": app.store.logs.total - app.store.logs.first,
                "loop_late_p95_ms": round(1000 * late[int(len(late) * 0.95)], 1),
                "loop_late_max_ms": round(1000 * late[-1], 1),
                "cpu_percent": round(100 * (time.process_time() - cpu) / took, 1),
                "memory_mib": round(resident_mib(), 1),
            }
            app.exit(0)
            figures_of.update(figures)

        watcher = asyncio.create_task(watch())
        await app.run_async(mouse=False)
        watcher.cancel()

    figures_of: dict[str, Any] = {}
    asyncio.run(run())
    Path(result).write_text(json.dumps(figures_of))


def bare(seconds: float, result: str) -> None:
    """What the console is held against: a Textual app of two lines, without any flood."""
    from textual.app import App, ComposeResult
    from textual.events import Key
    from textual.widgets import Static

    class Bare(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("a bare Textual app")
            yield Static("pane 1", id="title")

        def on_mount(self) -> None:
            self.set_timer(WARM_UP_S + seconds, self.exit)

        def on_key(self, event: Key) -> None:
            self.query_one("#title", Static).update(f"pane {event.character}")

    Bare().run(mouse=False)
    Path(result).write_text("{}")


def flood(rate: int, seconds: float, who: str = "console") -> dict[str, Any]:
    """Run the console, or the bare app, once and press keys; returns the figures."""
    result = Path(os.environ.get("TMPDIR", "/tmp")) / f"log-flood-{os.getpid()}.json"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    arguments = [sys.executable, "-m", "bench.log_flood", "--run", who, "--result", str(result)]
    process = subprocess.Popen(
        [*arguments, "--rate", str(rate), "--seconds", str(seconds)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(slave)
    begin = time.perf_counter()
    next_press, pressed_at, presses = begin + WARM_UP_S + 1.0, 0.0, 0
    latencies: list[float] = []
    received = 0
    last = begin + WARM_UP_S + seconds - 1.0
    tail = b""
    while process.poll() is None and time.perf_counter() - begin < seconds + 30:
        now = time.perf_counter()
        if not pressed_at and next_press <= now < last:
            os.write(master, KEYS[presses % 2])
            pressed_at, tail = time.perf_counter(), b""
            presses += 1
            next_press = now + PRESS_EVERY_S
        ready, _, _ = select.select([master], [], [], 0.001 if pressed_at else 0.01)
        if not ready:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        received += len(data)
        if pressed_at:
            tail = (tail + data)[-200_000:]
            if b"\x1b[2;" in tail:
                latencies.append(time.perf_counter() - pressed_at)
                pressed_at = 0.0
    took = time.perf_counter() - begin
    process.wait(10)
    os.close(master)
    figures: dict[str, Any] = (
        json.loads(result.read_text()) if result.exists() else {"failed": "the console ended early"}
    )
    result.unlink(missing_ok=True)
    latencies.sort()
    if latencies:
        figures["keys"] = presses
        figures["keys_unanswered"] = presses - len(latencies)
        figures["key_p50_ms"] = round(1000 * statistics.median(latencies), 1)
        figures["key_p95_ms"] = round(1000 * latencies[int(len(latencies) * 0.95)], 1)
        figures["key_max_ms"] = round(1000 * latencies[-1], 1)
    figures["terminal_kib_s"] = round(received / 1024 / took, 1)
    return figures


def measure(home: Path) -> list[Figure]:
    """The figures of one flood of 20,000 lines a second for 10 s; needs no playground."""
    found = flood(20_000, 10.0)
    alone = flood(0, 10.0, "bare")
    return [
        Figure("flood · key to screen, median", found["key_p50_ms"], "ms"),
        Figure("flood · key to screen, p95", found["key_p95_ms"], "ms", 20.0),
        Figure("flood · key to screen of a bare Textual app without flood, median", alone["key_p50_ms"], "ms"),
        Figure("flood · key to screen of a bare Textual app without flood, p95", alone["key_p95_ms"], "ms"),
        Figure("flood · key to screen, p95, against the bare app", found["key_p95_ms"] / alone["key_p95_ms"], "×"),
        Figure("flood · keys unanswered", found["keys_unanswered"], "", 0.0),
        Figure("flood · console memory", found["memory_mib"], "MiB"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--run", choices=["console", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--result", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run == "console":
        console(options.rate, options.seconds, options.result)
        return
    if options.run == "bare":
        bare(options.seconds, options.result)
        return
    print(json.dumps(flood(options.rate, options.seconds), indent=2))


if __name__ == "__main__":
    main()
