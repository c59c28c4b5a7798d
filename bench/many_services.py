"""One worker with 200 services on four platforms, watched as the console watches: `python -m bench many_services`.

The platforms are one small process that answers what looking asks for, counts every request by limit class, and holds
to the limits that the platforms document.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Figure, median
from bench.platforms import LIMITS
from bench.start import QUARTERDECK
from bench.terminal import cpu_seconds, resident_bytes
from console.domain.observations import Health
from console.domain.telemetry import LogLine

SERVICES = {"render": 80, "vercel": 60, "supabase": 30, "github": 30}
SECONDS = 330.0
"""Long enough for several turns of every log."""
SETTLED = 30.0
MINUTE = 60.0
IDS = {"render": "srv-d4many{:015d}", "vercel": "prj_Many{:024d}", "supabase": "manyservices{}", "github": "piece-{}"}


def measure(home: Path) -> list[Figure]:
    """Needs nothing that runs; `home` is left alone."""
    with tempfile.TemporaryDirectory(prefix="qd-many-") as directory:
        own = Path(directory)
        platforms = subprocess.Popen(
            [sys.executable, "-m", "bench.platforms"], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
        )
        try:
            address = str(platforms.stdout.readline()).strip() if platforms.stdout else ""
            (own / "config.toml").write_text(write_configuration(address), encoding="utf-8")
            return asyncio.run(_watch(own, address))
        finally:
            subprocess.run([QUARTERDECK, "--home", str(own), "worker", "stop"], capture_output=True)
            platforms.terminate()
            platforms.wait()


def write_configuration(address: str) -> str:
    """All services in one environment; those with an address of their own are probed there."""
    token = '"file:token"'
    blocks = [
        f'[providers.render]\nkind = "render"\nbase_url = "{address}/render/v1"\ntoken = {token}\nowner = "tea-many"',
        f'[providers.vercel]\nkind = "vercel"\nbase_url = "{address}/vercel"\ntoken = {token}\nurl_scheme = "http"',
        f'[providers.supabase]\nkind = "supabase"\nbase_url = "{address}/supabase"\ntoken = {token}',
        f'[providers.github]\nkind = "github"\nbase_url = "{address}/github"\ntoken = {token}\nrepository = "a/shop"',
        '[source]\nprovider = "github"',
        '[environments.production]\ntier = "production"',
    ]
    for kind, count in SERVICES.items():
        for number in range(count):
            name, place = f"{kind}-{number}", IDS[kind].format(_letters(number) if kind == "supabase" else number)
            health = '\nhealth = { path = "/health" }' if kind in ("render", "vercel") else ""
            url = f'\nurl = "{address}/live/{name}"' if health else ""
            blocks.append(f'[services.{name}]\nprovider = "{kind}"{health}')
            blocks.append(f'[environments.production.services.{name}]\nid = "{place}"{url}')
    return "\n\n".join(blocks)


def _letters(number: int) -> str:
    """Eight lowercase letters, since a project's ref has no digits."""
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(8))


async def _watch(home: Path, address: str) -> list[Figure]:
    from console.client.http import connect
    from console.client.service import LogQuery
    from console.domain.ids import EnvironmentName

    production = EnvironmentName("production")
    token = home / "token"
    token.write_text("0123456789abcdef0123", encoding="utf-8")
    token.chmod(0o600)
    service = await connect(home)
    worker = (await service.worker_status()).pid
    shown = (await service.environments())[0].services

    heard = Heard()

    async def follow() -> None:
        async for batch in service.follow_logs(LogQuery(environment=production)):
            heard.hear(batch.lines)

    async def listen() -> None:
        async for _ in service.events():
            pass

    looking = [asyncio.create_task(follow()), asyncio.create_task(listen())]
    before, at = cpu_seconds(worker), time.perf_counter()
    memory: list[int] = []
    settled: tuple[float, float] | None = None
    while (passed := time.perf_counter() - at) < SECONDS:
        memory.append(resident_bytes(worker))
        if settled is None and passed >= SECONDS - SETTLED:
            settled = cpu_seconds(worker), passed
        await asyncio.sleep(1.0)
    length = time.perf_counter() - at
    share = (cpu_seconds(worker) - before) / length * 100
    later = (cpu_seconds(worker) - settled[0]) / (length - settled[1]) * 100 if settled else share
    for task in looking:
        task.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    health = await service.health(production)
    await service.close()
    counted = await asyncio.to_thread(_counted, address)
    known = sum(bool(arm.release or arm.reason) or arm.health.value == "healthy" for arm in health)
    ill = sum(arm.health in (Health.DEGRADED, Health.DOWN) for arm in health)
    return [
        Figure("many · services", len(shown), "", sum(SERVICES.values()), at_least=True),
        Figure("many · services of which something is known", known, "", note="GitHub runs none of its 30"),
        Figure("many · services called ill, though all are well", ill, "", 0),
        Figure("many · worker memory, most", max(memory) / 2**20, "MiB", 150.0 * 1e6 / 2**20),
        Figure("many · worker, a client watches", share, "% of a core"),
        Figure("many · worker, the last half minute of it", later, "% of a core"),
        *_requests(counted),
        *heard.figures(),
    ]


class Heard:
    """The lines that reached the client. Each says its number, and numbers of one source rise by one."""

    def __init__(self) -> None:
        self._ages: dict[str, list[float]] = {kind: [] for kind in SERVICES}
        self._numbers: dict[str, list[int]] = defaultdict(list)

    def hear(self, lines: Sequence[LogLine]) -> None:
        now = datetime.now(UTC)
        for line in lines:
            self._ages[line.source.split("-")[0]].append((now - line.at).total_seconds())
            self._numbers[line.source].append(int(line.text.split()[1]))

    def figures(self) -> list[Figure]:
        doubled = sum(len(said) - len(set(said)) for said in self._numbers.values())
        missing = sum(max(said) - min(said) + 1 - len(set(said)) for said in self._numbers.values())
        speaking = sum(count for kind, count in SERVICES.items() if kind != "github")
        ages = [
            Figure(
                f"many · {kind}, a line's age when it reaches the client, most",
                max(ages),
                "s",
                note=f"median {median(ages):.1f} s of {len(ages)} lines",
            )
            for kind, ages in self._ages.items()
            if ages
        ]
        return [
            *ages,
            Figure("many · services heard", len(self._numbers), "", speaking, at_least=True),
            Figure("many · lines doubled", doubled, "", 0),
            Figure("many · lines missing between others", missing, "", 0),
        ]


def _counted(address: str) -> dict[str, dict[str, list[float]]]:
    with urllib.request.urlopen(f"{address}/counted") as answer:
        found: dict[str, dict[str, list[float]]] = json.load(answer)
    return found


def _requests(counted: dict[str, dict[str, list[float]]]) -> list[Figure]:
    figures = []
    for name, budget in LIMITS.items():
        came, looked, refused = (counted[part].get(name, []) for part in ("came", "looked", "refused"))
        note = f"{len(came)} in all, {len(refused)} refused; {budget.known}"
        if looked:
            figures.append(Figure(f"many · {name}, by looking, worst minute", _worst(looked), "/min", budget.a_minute))
        figures.append(Figure(f"many · {name}, with logs, worst minute", _worst(came), "/min", budget.a_minute, note))
    together = sorted([*counted["came"].get("supabase management", []), *counted["came"].get("supabase logs", [])])
    figures.append(Figure("many · supabase, all together, worst minute", _worst(together), "/min", 60))
    probes = _worst(counted["looked"].get("probes", []))
    figures.append(Figure("many · probes of the services' own addresses, worst minute", probes, "/min"))
    return figures


def _worst(moments: Sequence[float]) -> int:
    first = most = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - MINUTE:
            first += 1
        most = max(most, last - first + 1)
    return most
