"""The names under which figures are kept. Rates are 0..1, latencies milliseconds, memory bytes, CPU cores."""

from __future__ import annotations

REQUEST_RATE = "request_rate"
ERROR_RATE = "error_rate"
LATENCY_P50 = "latency_p50"
LATENCY_P95 = "latency_p95"
WEIGHT = "weight"
CPU = "cpu"
MEMORY = "memory"
INSTANCES = "instances"
DB_CONNECTIONS = "db_connections"
DB_MAX_CONNECTIONS = "db_max_connections"
DB_SIZE = "db_size_bytes"

NAMES = (REQUEST_RATE, ERROR_RATE, LATENCY_P50, LATENCY_P95, WEIGHT, CPU, MEMORY, INSTANCES)
