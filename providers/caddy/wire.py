"""Read what Caddy's admin API answers: a reverse proxy's configuration, and the counters of its servers.

Source of names: Caddy 2.11.7 with `"metrics": {}` in its HTTP app. A request is counted once for each route of a
server that it passes, under the name of the route's first handler, so that three routes in a row count it three times;
only the busiest handler of a server is read. An arm's server should have one route for everything: a second one beside
it, with another first handler, would not be seen. Counters fall to nothing whenever that Caddy's configuration changes,
and a server without requests is missing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.contract import ArmCounters
from providers.wire import ShapeError, items, need_items, need_text, text, whole

WEIGHTED = "weighted_round_robin"
SERVER_ERRORS_FROM = 500
_LOADED = {'code="200"', 'method="POST"', 'path="/load"'}
_DURATION = "caddy_http_request_duration_seconds"
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Handler:
    """A reverse proxy: how it selects, with which weights, among which addresses. `weights` may be shorter."""

    policy: str
    weights: tuple[int, ...]
    dials: tuple[str, ...]


def parse_handler(node: object) -> Handler:
    """Raises ShapeError for anything but a reverse proxy."""
    if text(node, "handler") != "reverse_proxy":
        raise ShapeError(f"its handler is {text(node, 'handler') or 'missing'}, not reverse_proxy")
    weights = tuple(whole(weight) for weight in items(node, "load_balancing", "selection_policy", "weights"))
    return Handler(
        policy=text(node, "load_balancing", "selection_policy", "policy") or "random",
        weights=tuple(weight or 0 for weight in weights),
        dials=tuple(text(upstream, "dial") for upstream in need_items(node, "upstreams")),
    )


def parse_node(node: object) -> dict[str, Any]:
    """Any handler, as it is. Raises ShapeError for what is none."""
    if not isinstance(node, dict) or not text(node, "handler"):
        raise ShapeError("it is no handler")
    return node


def parse_underway(answer: object) -> dict[str, int]:
    """`GET /reverse_proxy/upstreams`: requests under way by address. Raises ShapeError for anything else."""
    if not isinstance(answer, list):
        raise ShapeError("it is no list of upstreams")
    return {need_text(upstream, "address"): whole(upstream, "num_requests") or 0 for upstream in answer}


@dataclass
class _Totals:
    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    buckets: dict[float, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, suffix: str, labels: Mapping[str, str], value: float) -> None:
        if suffix == "_count":
            self.requests += int(value)
            code = labels.get("code", "")
            self.errors += int(value) if code.isdigit() and int(code) >= SERVER_ERRORS_FROM else 0
        elif suffix == "_sum":
            self.seconds += value
        elif suffix == "_bucket":
            self.buckets[float(labels.get("le", "inf"))] += int(value)


def parse_counters(page: str) -> dict[str, ArmCounters]:
    """The totals of every server on a metrics page, by the server's name.

    Raises:
        ShapeError: The text is no metrics page.
    """
    totals: dict[str, dict[str, _Totals]] = defaultdict(lambda: defaultdict(_Totals))
    is_page = False
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        sample = _SAMPLE.fullmatch(line.strip())
        if sample is None:
            continue
        try:
            value = float(sample[3])
        except ValueError:
            continue
        is_page = True
        if sample[1].startswith(_DURATION):
            labels = {name: _plain(value) for name, value in _LABEL.findall(sample[2] or "")}
            handlers = totals[labels.get("server", "")]
            handlers[labels.get("handler", "")].add(sample[1].removeprefix(_DURATION), labels, value)
    if not is_page:
        raise ShapeError("it is no metrics page")
    return {server: _busiest(handlers) for server, handlers in totals.items()}


def parse_run(page: str) -> str:
    """When the process began and how many whole configurations it was given by `POST /load`; empty if it does not say.

    Source: Caddy 2.11.7's own admin metrics. Changes of a part are counted under other paths.

    Raises:
        ShapeError: The text is no metrics page of Caddy.
    """
    if not re.search(r"^caddy_", page, re.MULTILINE):
        raise ShapeError("it is no metrics page of Caddy")
    began = re.search(r"^process_start_time_seconds (\S+)", page, re.MULTILINE)
    if began is None:
        return ""
    loads = re.findall(r"^caddy_admin_http_requests_total\{([^}]*)\} (\S+)", page, re.MULTILINE)
    count = sum(float(value) for labels, value in loads if set(labels.split(",")) >= _LOADED)
    return f"{began[1]}/{count:.0f}"


def _plain(value: str) -> str:
    return value.replace(r"\"", '"').replace(r"\n", "\n").replace(r"\\", "\\") if "\\" in value else value


def _busiest(handlers: Mapping[str, _Totals]) -> ArmCounters:
    totals = max(handlers.values(), key=lambda one: one.requests)
    return ArmCounters(totals.requests, totals.errors, totals.seconds, dict(sorted(totals.buckets.items())))
