"""Prometheus metrics of requests and reads; labels never name a partner or a request."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter(
    "holdfast_http_requests", "HTTP requests answered.", ["method", "route", "status"]
)
SECONDS = Histogram(
    "holdfast_http_request_seconds",
    "Seconds from the request's head to its answer.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25),
)
UNLOGGED_READS = Counter(
    "holdfast_unlogged_reads", "Reads of requests that are in no read log, for want of room."
)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; `route` is the rule, not the path."""
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)


def count_unlogged_reads(count: int) -> None:
    """Count reads that no read log has."""
    UNLOGGED_READS.inc(count)
