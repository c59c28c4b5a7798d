"""A real Caddy for tests: one process for the whole run, given a fresh configuration for each test."""

import atexit
import functools
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from console.playground.caddy import find_caddy
from console.playground.processes import free_port, spawn
from providers.caddy.wire import parse_counters

ARMS = ("blue", "green")
WITHIN_S = 10.0


class RealCaddy:
    """`admin` is its socket, `public` the address whose route `backend` is divided between two inner servers."""

    def __init__(self, directory: Path) -> None:
        self.admin = str(directory / "admin.sock")
        self._ports = [free_port() for _ in range(3)]
        self.public = f"http://127.0.0.1:{self._ports[0]}"
        self._seed = 0
        config = directory / "caddy.json"
        config.write_text(f'{{"admin": {{"listen": "unix/{self.admin}", "config": {{"persist": false}}}}}}')
        home = {"HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
        with (directory / "log").open("wb") as log:
            self._process = spawn([find_caddy(), "run", "--config", str(config)], log, home, directory)
        atexit.register(self._remove, directory)
        deadline = time.monotonic() + WITHIN_S
        while not Path(self.admin).exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def reset(self, weights: tuple[int, ...] = (100, 0), **backend: Any) -> None:
        """Load the configuration anew. Server names hold a fresh number, so that counters begin at nothing."""
        self._seed += 1
        policy = {"policy": "weighted_round_robin", "weights": list(weights)}
        servers = {
            "public": self._server(0, [{"match": [{"path": ["/api/*"]}], "handle": [self._proxy(policy) | backend]}]),
            **{
                f"backend-{arm}-{self._seed}": self._server(place, _routes_of(arm)) for place, arm in enumerate(ARMS, 1)
            },
        }
        config = {
            "admin": {"listen": f"unix/{self.admin}", "config": {"persist": False}},
            "apps": {"http": {"metrics": {}, "servers": servers}},
        }
        with self.client() as client:
            client.post("/load", json=config).raise_for_status()

    @property
    def metrics_name(self) -> str:
        return f"backend-{{arm}}-{self._seed}"

    @property
    def dials(self) -> dict[str, str]:
        return {arm: f"127.0.0.1:{port}" for arm, port in zip(ARMS, self._ports[1:], strict=True)}

    def client(self) -> httpx.Client:
        """A client of the admin API, beside the adapter."""
        return httpx.Client(transport=httpx.HTTPTransport(uds=self.admin, verify=False), base_url="http://127.0.0.1")

    def ask(self, path: str = "/api/x", times: int = 1) -> list[str]:
        """Which arm answered each of so many requests. Returns once Caddy has counted them as well."""
        counted = self._fetch_counted()
        with httpx.Client(trust_env=False, verify=False) as client:
            answers = [client.get(f"{self.public}{path}").text for _ in range(times)]
        deadline = time.monotonic() + WITHIN_S
        while self._fetch_counted() < counted + times and time.monotonic() < deadline:
            time.sleep(0.01)
        return answers

    def _fetch_counted(self) -> int:
        with self.client() as client:
            servers = parse_counters(client.get("/metrics").text)
        return sum(servers[name].requests for name in servers if name.startswith("backend-"))

    def _proxy(self, policy: dict[str, Any]) -> dict[str, Any]:
        return {
            "@id": "backend",
            "handler": "reverse_proxy",
            "load_balancing": {"selection_policy": policy},
            "upstreams": [{"dial": dial} for dial in self.dials.values()],
        }

    def _server(self, place: int, routes: list[Any]) -> dict[str, Any]:
        listen = f"127.0.0.1:{self._ports[place]}"
        return {"listen": [listen], "automatic_https": {"disable": True}, "routes": routes}

    def _remove(self, directory: Path) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(directory, ignore_errors=True)


@functools.cache
def real_caddy() -> RealCaddy:
    return RealCaddy(Path(tempfile.mkdtemp(prefix="qdc-")))


def _routes_of(arm: str) -> list[Any]:
    """Two routes in a row, both of which count a request."""
    inner = [{"match": [{"path": ["/api/bad"]}], "handle": [_answer(503, arm)]}, {"handle": [_answer(200, arm)]}]
    return [{"handle": [{"handler": "headers"}]}, {"handle": [{"handler": "subroute", "routes": inner}]}]


def _answer(status: int, body: str) -> dict[str, Any]:
    return {"handler": "static_response", "status_code": status, "body": body}
