"""Everything that runs in one playground, brought up in order and taken down in reverse."""

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from console.domain.errors import ConsoleError
from console.playground.admin_proxy import AdminProxy
from console.playground.config_file import Addresses, render_config
from console.playground.edge import ARMS, Edge
from console.playground.emulators.build import build_emulators
from console.playground.emulators.emulator import Emulator
from console.playground.faults import FaultyApp
from console.playground.home import PlaygroundHome, make_short_directory, write_private
from console.playground.ingress import Ingress
from console.playground.postgres import PostgresServer
from console.playground.process_hosting import ProcessHosting, answers_ok
from console.playground.processes import Identity, free_port, identify
from console.playground.releases import Catalogue, build_catalogue
from console.playground.scene import DATABASES, EMULATED, SERVICES, dsn_for
from console.playground.seed import create_database, seed_database
from console.playground.serving import Served, bind_loopback
from console.playground.traffic_control import Traffic

# Every account's rate limit is multiplied by this: tests drive the playground harder than people drive an account.
LIMIT_SCALE = 10.0
FIRST_RELEASE_WITHIN_S = 45.0
_API_SUFFIX = {"render": "/v1"}
_TOKEN_PREFIX: Mapping[str, str] = {"render": "rnd_", "vercel": "", "supabase": "sbp_", "github": "ghp_"}
_log = logging.getLogger("playground")


class World:
    """The parts of a running playground."""

    def __init__(self, home: PlaygroundHome, speed: float, limit_scale: float = LIMIT_SCALE) -> None:
        self.home = home
        self.catalogue: Catalogue = build_catalogue()
        self.sockets = make_short_directory("qd-")
        self.postgres = PostgresServer(home.directory)
        self.ingress = Ingress(self.sockets, home.logs)
        self.edge = Edge(free_port(), self.sockets, home.logs)
        self.admin = AdminProxy(self.edge)
        self.traffic = Traffic(home.logs)
        self.hosting: ProcessHosting
        self.emulators: dict[str, Emulator] = {}
        self.faulty: dict[str, FaultyApp] = {}
        self._served: dict[str, Served] = {}
        self._speed = speed
        self._limit_scale = limit_scale

    @property
    def scratch(self) -> tuple[Path, ...]:
        """Directories outside of the home that have to be deleted at the end."""
        return self.sockets, self.postgres.scratch

    def dsns(self) -> dict[str, str]:
        """Give the address of each environment's database."""
        return {one.environment: dsn_for(self.postgres.dsn, one.database) for one in DATABASES}

    def ports(self) -> dict[str, int]:
        """Give the port of each part that listens on one."""
        apis = {name: served.port for name, served in self._served.items()}
        public = {f"ingress-{one.name}": self.ingress.port_of(one.name) for one in SERVICES}
        return {**apis, **public, "edge": int(self.edge.url.rpartition(":")[2])}

    def children(self) -> tuple[Identity, ...]:
        """Identify every process that belongs to this playground, beside the supervisor."""
        pids = {
            "postgres": self.postgres.pid,
            "ingress": self.ingress.pid,
            "edge router": self.edge.router.pid,
            "edge harbour": self.edge.harbour.pid,
            "traffic": self.traffic.pid,
        }
        if hasattr(self, "hosting"):
            pids |= {instance.id: instance.pid for instance in self.hosting.instances()}
        found = (identify(pid, what) for what, pid in pids.items() if pid is not None)
        return tuple(identity for identity in found if identity is not None)

    async def start(self, rps: float) -> None:
        """Bring everything up with the first release live, and write the configuration.

        Raises:
            ConsoleError: A part did not start.
        """
        began = time.monotonic()
        await asyncio.gather(self._start_database(), self.ingress.start())
        _log.info("database and ingress are up after %.2f s", time.monotonic() - began)
        tokens = {name: prefix + secrets.token_hex(20) for name, prefix in _TOKEN_PREFIX.items()}
        self.hosting = ProcessHosting(self.ingress, self.catalogue, self.postgres.dsn, self.home.logs, self.home.faults)
        self.emulators = build_emulators(
            self.hosting, self.postgres.dsn, self.catalogue, tokens, speed=self._speed, limit_scale=self._limit_scale
        )
        self._serve()
        arms = {arm: self.hosting.url_of(f"backend-{arm}") for arm in ARMS}
        await asyncio.gather(
            self.edge.start(arms, self.hosting.url_of("frontend")),
            *(emulator.start() for emulator in self.emulators.values()),
        )
        _log.info("platforms and edge are up after %.2f s", time.monotonic() - began)
        await self._wait_for_first_release()
        await self.traffic.start(int(self.edge.url.rpartition(":")[2]), rps)
        self._write_config(tokens)
        _log.info("all is up after %.2f s", time.monotonic() - began)

    async def stop(self) -> None:
        """Take everything down, whatever state it is in."""
        await self.traffic.stop()
        await asyncio.gather(
            *(served.stop() for served in self._served.values()),
            *(emulator.stop() for emulator in self.emulators.values()),
            return_exceptions=True,
        )
        if hasattr(self, "hosting"):
            await self.hosting.stop_all()
        await asyncio.gather(self.edge.stop(), self.ingress.stop(), self.postgres.stop())
        self.postgres.remove()
        shutil.rmtree(self.sockets, ignore_errors=True)

    async def _start_database(self) -> None:
        await asyncio.to_thread(self.postgres.prepare)
        self.postgres.launch()
        await asyncio.to_thread(self._fill_database)

    def _fill_database(self) -> None:
        self.postgres.wait()
        for one in DATABASES:
            create_database(self.postgres.dsn, one.database)
            seed_database(dsn_for(self.postgres.dsn, one.database), self.catalogue.first)

    def _serve(self) -> None:
        apps: dict[str, FaultyApp] = {"caddy": FaultyApp("caddy", self.admin)}
        for platform in EMULATED:
            apps[platform] = FaultyApp(platform, self.emulators[platform].app, counts_struck=True)
        self.faulty = apps
        self._served = {platform: Served(app, bind_loopback()) for platform, app in apps.items()}
        for served in self._served.values():
            served.start()

    async def _wait_for_first_release(self) -> None:
        port = int(self.edge.url.rpartition(":")[2])
        deadline = time.monotonic() + FIRST_RELEASE_WITHIN_S
        while time.monotonic() < deadline:
            self.edge.check()
            if await answers_ok(port, "/api/items") and await answers_ok(port, "/"):
                return
            await asyncio.sleep(0.03)
        raise ConsoleError(
            f"The product did not answer within {FIRST_RELEASE_WITHIN_S:.0f} seconds.",
            str(self.home.logs),
            "The logs there say what its processes are waiting for.",
        )

    def _write_config(self, tokens: Mapping[str, str]) -> None:
        values = {**tokens, **{_dsn_secret(name): dsn for name, dsn in self.dsns().items()}}
        files = {
            name: self.home.write_secret(name if name.endswith("-url") else f"{name}-token", value)
            for name, value in values.items()
        }
        apis = {
            name: f"http://127.0.0.1:{served.port}{_API_SUFFIX.get(name, '')}" for name, served in self._served.items()
        }
        public = {one.name: self.hosting.url_of(one.name) for one in SERVICES}
        write_private(self.home.config, render_config(Addresses(apis, public, files, self.edge.url)))


def _dsn_secret(environment: str) -> str:
    return "database-url" if environment == "production" else f"{environment}-database-url"
