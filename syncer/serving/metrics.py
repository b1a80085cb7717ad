"""What was asked and how it went, counted for Prometheus; no value, no key."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest


class Metrics:
    """Counts the requests of one server; safe to share between threads."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "syncer_secret_requests", "Requests for secrets.", ("store", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "syncer_secret_request_seconds", "How long they took.", ("store",), registry=self._registry
        )

    def count(self, store: str, status: int, seconds: float) -> None:
        """Count a request that was answered; stores that nobody declared must share a name."""
        self._requests.labels(store, str(status)).inc()
        self._seconds.labels(store).observe(seconds)

    def document(self) -> bytes:
        """Write the text format of Prometheus."""
        return generate_latest(self._registry)
