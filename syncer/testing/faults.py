"""A backend that fails when told to: before the real call, or after it, its answer lost."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from syncer.backends.base import Backend

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from syncer.model import Address, Observed, Secret
    from syncer.sensitive import Sensitive

T = TypeVar("T")

READS = frozenset({"observe", "read", "read_version"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure: what is raised, and at which calls."""

    error: BaseException
    method: str | None = None
    """Only calls of this method; None for any."""
    address: Address | None = None
    """Only calls for this address; None for any."""
    call: int = 1
    """The first call that fails, counted from 1 over those that `method` and `address` let through."""
    times: int = 1
    """How many calls in a row fail."""
    after: bool = False
    """The real call is made and its answer lost."""

    def fits(self, method: str, address: Address | None) -> bool:
        """Whether a call counts for this fault."""
        return self.method in (None, method) and self.address in (None, address)


class Faulty(Backend):
    """Hands every call to `inner`, except where a fault says otherwise. Safe to share between threads."""

    def __init__(self, inner: Backend, faults: Sequence[Fault] = ()) -> None:
        self.inner = inner
        self.faults = tuple(faults)
        self.options = inner.options
        self.context = inner.context
        self.meter = inner.meter
        self.capabilities = inner.capabilities
        self.concurrency = inner.concurrency
        self.place = inner.place
        self.inherits = inner.inherits
        self.type_name = inner.type_name  # type: ignore[misc]  # it is what the one inside is
        self.calls: list[tuple[str, Address | None]] = []
        """Every call in order, also those that failed: method and address, None for observe."""
        self._seen: Counter[int] = Counter()
        self._lock = threading.Lock()

    @property
    def writes(self) -> list[tuple[str, Address | None]]:
        """The calls that would change something."""
        return [call for call in self.calls if call[0] not in READS]

    def check(self, secret: Secret) -> None:
        """Ask the one inside; never fails by itself, since it is offline."""
        self.inner.check(secret)

    def check_value(self, secret: Secret, value: Sensitive) -> None:
        """Ask the one inside; never fails by itself, since it is offline."""
        self.inner.check_value(secret, value)

    def declare(self, secret: Secret) -> Secret:
        """Ask the one inside, as above."""
        return self.inner.declare(secret)

    def shape(self, secret: Secret, value: Sensitive) -> Sensitive:
        """Ask the one inside, as above."""
        return self.inner.shape(secret, value)

    def check_scope(self, scope: str) -> None:
        """Ask the one inside, as above."""
        self.inner.check_scope(scope)

    def recall(self, versions: Iterable[tuple[str, str]]) -> None:
        """Tell the one inside, as above."""
        self.inner.recall(versions)

    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Observe, or fail."""
        return self._call("observe", None, lambda: list(self.inner.observe(scopes, addresses)))

    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Create, or fail."""
        return self._call("create", secret.address, lambda: self.inner.create(secret, value))

    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Rotate, or fail."""
        return self._call("rotate", secret.address, lambda: self.inner.rotate(secret, value, expected))

    def read(self, address: Address) -> Sensitive:
        """Read, or fail."""
        return self._call("read", address, lambda: self.inner.read(address))

    def read_version(self, address: Address, version: str) -> Sensitive:
        """Read a version, or fail."""
        return self._call("read_version", address, lambda: self.inner.read_version(address, version))

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Update, or fail."""
        return self._call("update", secret.address, lambda: self.inner.update(secret, expected, drop))

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Enable or disable, or fail."""
        return self._call("set_enabled", expected.address, lambda: self.inner.set_enabled(expected, enabled=enabled))

    def delete(self, expected: Observed) -> None:
        """Delete, or fail."""
        return self._call("delete", expected.address, lambda: self.inner.delete(expected))

    def restore(self, expected: Observed) -> Observed:
        """Restore, or fail."""
        return self._call("restore", expected.address, lambda: self.inner.restore(expected))

    def move(self, secret: Secret, expected: Observed) -> Observed:
        """Move, or fail; counts for the new address."""
        return self._call("move", secret.address, lambda: self.inner.move(secret, expected))

    def close(self) -> None:
        """Close the one inside."""
        self.inner.close()

    def _call(self, method: str, address: Address | None, real: Callable[[], T]) -> T:
        due = self._due(method, address)
        if due is not None and not due.after:
            raise due.error
        answer = real()
        if due is not None:
            raise due.error
        return answer

    def _due(self, method: str, address: Address | None) -> Fault | None:
        """Count the call for every fault that it fits, and give the first that is due."""
        due = None
        with self._lock:
            self.calls.append((method, address))
            for index, fault in enumerate(self.faults):
                if fault.fits(method, address):
                    self._seen[index] += 1
                    if due is None and fault.call <= self._seen[index] < fault.call + fault.times:
                        due = fault
        return due
