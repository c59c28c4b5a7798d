"""What each role of the product answers: `api` reads and writes rows, `worker` takes jobs, `frontend` is a page."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from console.playground.product.conditions import Log, Weather
from console.playground.product.database import Database
from console.playground.product.http import Request, Response

_ITEMS = "select id, name, price_cents from public.items order by id limit 50"
_ORDER = """
with placed as (
  insert into public.orders (item_id, quantity)
  select id, %s from public.items order by id limit 1
  returning id
)
insert into public.jobs (order_id) select id from placed returning order_id
"""
_TAKE_JOBS = """
delete from public.jobs where id in (
  select id from public.jobs order by id limit 50 for update skip locked
) returning order_id
"""
_POLL_JOBS_S = 0.5


@dataclass
class Shop:
    """One process: its release, its commit, and what it works with. `database` is None for a frontend."""

    release: str
    commit: str
    weather: Weather
    log: Log
    database: Database | None
    is_ready: bool = False


def answer_json(status: int, value: object) -> Response:
    """Answer with JSON."""
    return Response(status, json.dumps(value).encode())


async def answer_health(shop: Shop) -> Response:
    """Answer 200 once the process can work, 503 before."""
    state = "ok" if shop.is_ready else "starting"
    return answer_json(200 if shop.is_ready else 503, {"status": state, "release": shop.release})


async def answer_api(shop: Shop, request: Request) -> Response:
    """Answer the API: `/health`, `/api/version`, `/api/items`, `POST /api/orders`."""
    if request.path == "/health":
        return await answer_health(shop)
    if request.path == "/api/version":
        return answer_json(200, {"release": shop.release, "commit": shop.commit})
    work = {("GET", "/api/items"): _list_items, ("POST", "/api/orders"): _place_order}.get(
        (request.method, request.path)
    )
    if work is None:
        return answer_json(404, {"error": "not found"})
    return await _under_conditions(shop, request, lambda: work(shop, request))


async def answer_worker(shop: Shop, request: Request) -> Response:
    """Answer `/health`; a worker has nothing else to say."""
    return await answer_health(shop) if request.path == "/health" else answer_json(404, {"error": "not found"})


async def answer_frontend(shop: Shop, request: Request) -> Response:
    """Answer `/health`, `/version.json` and the page, which names its release."""
    if request.path == "/health":
        return await answer_health(shop)
    if request.path == "/version.json":
        return answer_json(200, {"release": shop.release, "commit": shop.commit})
    if request.path != "/":
        return answer_json(404, {"error": "not found"})
    page = (
        "<!doctype html><html lang=en><title>Shop</title>"
        f'<meta name="release" content="{shop.release}"><meta name="commit" content="{shop.commit}">'
        f"<h1>Shop</h1><p>Release {shop.release}</p></html>"
    )

    async def render() -> Response:
        return Response(200, page.encode(), "text/html; charset=utf-8")

    return await _under_conditions(shop, request, render)


async def take_jobs(shop: Shop) -> None:
    """Take jobs from the table for ever, a few at a time."""
    assert shop.database is not None
    while True:
        try:
            taken = await shop.database.rows(_TAKE_JOBS)
        except Exception as error:
            shop.log.write("error", f"taking jobs failed: {error}")
            taken = []
        for (order,) in taken:
            shop.log.write("info", f"shipped order {order}")
        await asyncio.sleep(_POLL_JOBS_S)


async def _under_conditions(shop: Shop, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    clock = asyncio.get_running_loop().time
    began = clock()
    latency_ms = shop.weather.now().latency_ms
    if latency_ms:
        await asyncio.sleep(latency_ms / 1000)
    if shop.weather.fails():
        shop.log.write("error", f"{request.method} {request.path}: KeyError: price missing in the cache")
        response = answer_json(500, {"error": "internal error", "release": shop.release})
    else:
        response = await work()
    level = "info" if response.status < 500 else "error"
    shop.log.write(level, f"{request.method} {request.path} {response.status} {(clock() - began) * 1000:.1f} ms")
    return response


async def _list_items(shop: Shop, request: Request) -> Response:
    assert shop.database is not None
    try:
        rows = await shop.database.rows(_ITEMS)
    except Exception as error:
        return _database_failed(shop, error)
    return answer_json(200, [{"id": id_, "name": name, "price_cents": price} for id_, name, price in rows])


async def _place_order(shop: Shop, request: Request) -> Response:
    assert shop.database is not None
    try:
        quantity = int(json.loads(request.body or b"{}").get("quantity", 1))
    except (ValueError, AttributeError, TypeError):
        return answer_json(400, {"error": "quantity is not a number"})
    if not 1 <= quantity <= 100:
        return answer_json(400, {"error": "quantity must be 1 to 100"})
    try:
        rows = await shop.database.rows(_ORDER, (quantity,))
    except Exception as error:
        return _database_failed(shop, error)
    return answer_json(201, {"order": rows[0][0]}) if rows else answer_json(404, {"error": "nothing to sell"})


def _database_failed(shop: Shop, error: Exception) -> Response:
    shop.log.write("error", f"database: {error}")
    return answer_json(500, {"error": "database"})
