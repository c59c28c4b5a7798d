"""The product's edge: the public port, the weights that Quarterdeck moves, and the counters of each arm.

Two Caddy processes, which look like one to whoever uses the edge:

* the **harbour** never changes: it holds the public listener, and one inner server for each arm, named
  `backend-blue` and `backend-green`, so that Caddy's own metrics tell code and latency by arm;
* the **router** holds the weights, on the handler with the id `backend`, and is the one whose admin API is moved.

    client → harbour:edge → router:edge ─ /api/* by weight ─→ harbour:backend-<arm> → the arm's ingress
                                        └ all else ─────────→ harbour:frontend      → the frontend's ingress

Why two: changing a Caddy's configuration replaces its listeners and drops connections in the moment between accept
and read (figures in `caddy`). Here such a drop happens on a unix socket inside the edge, to a request that nobody
has handled yet, and the harbour sends it again. A second gain: the arms' counters survive a change of weights, where
those of a reconfigured Caddy begin at zero.

Measured with fresh and kept connections and POST among them: 0 of 2,800 requests lost over 60 changes at 200
requests/s, also with answers taking 0.3 s; 0 of 6,035 over 609 changes on a machine with ten times more to do than it
has cores. In one process the same load lost 2 to 30 per 1,000. One change takes 6 ms.
"""

import math
from pathlib import Path
from typing import Any

from console.playground.caddy import Caddy, Json, build_config, build_proxy, build_server

ARMS = ("blue", "green")
ROUTE_ID = "backend"
FRONTEND_ID = "frontend"
"""By which a holding page finds its handler."""


def dial_of(url: str) -> str:
    """Give `host:port` of an `http://host:port` address."""
    return url.removeprefix("http://").rstrip("/")


def build_load_balancing(weights: tuple[int, int]) -> Json:
    """Describe the split between blue and green, in whole percent.

    Caddy gives each arm its whole weight of requests in a row before the next one's turn, so the weights are written
    in their lowest terms: with [1, 1] every second request goes to green, with [50, 50] fifty do and then fifty not.
    """
    parts = math.gcd(*weights) or 1
    lowest = [weight // parts for weight in weights]
    return {"selection_policy": {"policy": "weighted_round_robin", "weights": lowest}}


def read_percent(weights: list[Any]) -> dict[str, int]:
    """Give each arm's share in whole percent, in whatever terms it was written; nothing at all stays nothing."""
    whole = [weight if isinstance(weight, int) else 0 for weight in weights[: len(ARMS)]]
    total = sum(whole) or 1
    blue = round(100 * whole[0] / total) if whole else 0
    return dict(zip(ARMS, (blue, 100 - blue if any(whole) else 0), strict=True))


class Edge:
    """The running edge. `url` is public; `router` is the Caddy whose weights are moved."""

    def __init__(self, port: int, sockets: Path, logs: Path) -> None:
        self._sockets = sockets
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self.router = Caddy("router", sockets, logs)
        self.harbour = Caddy("harbour", sockets, logs)

    async def start(self, arm_urls: dict[str, str], frontend_url: str) -> None:
        """Start both processes with all traffic on blue.

        Args:
            arm_urls: The ingress address of each of `ARMS`.
            frontend_url: The ingress address of the frontend's production name.

        Raises:
            ConsoleError: A process did not start.
        """
        await self.router.start(self._router_config())
        await self.harbour.start(self._harbour_config(arm_urls, frontend_url))

    def check(self) -> None:
        """Raises ConsoleError when a process has ended."""
        self.router.check()
        self.harbour.check()

    async def weights(self) -> dict[str, int]:
        """Read back the weights in force, arm to whole percent; empty while the router does not answer."""
        try:
            policy: Any = await self.router.read(f"/id/{ROUTE_ID}/load_balancing/selection_policy")
        except (OSError, TimeoutError):
            return {}
        weights = policy.get("weights") if isinstance(policy, dict) else None
        return read_percent(weights) if isinstance(weights, list) else {}

    async def stop(self) -> None:
        """End both processes, the public one first."""
        await self.harbour.stop()
        await self.router.stop()

    def _inner(self, name: str) -> str:
        return f"unix/{self._sockets}/{name}.sock"

    def _router_config(self) -> Json:
        arms = build_proxy([self._inner(f"backend-{arm}") for arm in ARMS], keeps=True)
        arms |= {"@id": ROUTE_ID, "load_balancing": build_load_balancing((100, 0))}
        frontend = build_proxy([self._inner("frontend")], keeps=True) | {"@id": FRONTEND_ID}
        routes = [{"match": [{"path": ["/api/*"]}], "handle": [arms]}, {"handle": [frontend]}]
        return build_config(self.router.admin_socket, {"edge": build_server(self._inner("edge"), routes)})

    def _harbour_config(self, arm_urls: dict[str, str], frontend_url: str) -> Json:
        def forward(listen: str, dial: str, keeps: bool = False) -> Json:
            return build_server(listen, [{"handle": [build_proxy([dial], retries=True, keeps=keeps)]}])

        servers = {"edge": forward(f"127.0.0.1:{self._port}", self._inner("edge"), keeps=True)}
        for arm in ARMS:
            servers[f"backend-{arm}"] = forward(self._inner(f"backend-{arm}"), dial_of(arm_urls[arm]))
        servers["frontend"] = forward(self._inner("frontend"), dial_of(frontend_url))
        return build_config(self.harbour.admin_socket, servers, with_metrics=True)
