"""What every backend must do, may do, and says that it cannot do."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar

from syncer.errors import BackendError, Refused, SyncerError, Throttled, Transient, Unsupported
from syncer.options import parse_options
from syncer.plans import Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from syncer.model import Address, Observed, Secret
    from syncer.retry import Retry
    from syncer.sensitive import Sensitive

T = TypeVar("T")


class Capability(StrEnum):
    """What a backend can do beyond create, rotate and observe. What is not listed, it cannot."""

    DISABLE_ENFORCED = "disable-enforced"
    """The store itself refuses readers of a disabled secret."""
    DISABLE_ADVISORY = "disable-advisory"
    """A disabled secret carries a mark that well-behaved readers heed."""
    DISABLE_REMOVES = "disable-removes"
    """The store has no disabled state: a disabled secret is taken out, its value not kept, and made again later."""
    TAGS = "tags"
    DESCRIPTION = "description"
    READ = "read"
    """Values can be read back."""
    READ_DISABLED = "read-disabled"
    """Values of disabled secrets too."""
    READ_VERSION = "read-version"
    """Older values too, by the store's own names of their versions."""
    DELETE = "delete"
    SOFT_DELETE = "soft-delete"
    """A deleted secret can be restored."""
    MOVE = "move"
    """A secret can be renamed in one write, its value untouched."""
    BINARY = "binary"
    """Any bytes; without it, UTF-8 text only."""
    CONDITIONAL_WRITE = "conditional-write"
    """A write that expected another version is refused by the store."""
    VERSION_IN_LIST = "version-in-list"
    """Observing gives the version of each value without reading it."""
    SCOPE_PATHS = "scope-paths"
    """A scope may hold slashes, such as `profile/blue`."""


DISABLES = frozenset({Capability.DISABLE_ENFORCED, Capability.DISABLE_ADVISORY})
"""Ways to disable a secret that keep its value."""


class Meter:
    """Counts what a run asks of a backend; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._values_read = 0

    def call(self, *, values_read: int = 0) -> None:
        """Note one request to the backend that read that many values."""
        with self._lock:
            self._calls += 1
            self._values_read += values_read

    @property
    def total(self) -> Calls:
        """What was noted so far."""
        return Calls(calls=self._calls, values_read=self._values_read)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendContext:
    """What a backend is told about the run that opens it."""

    project: str
    """The owner to mark as ours."""
    folder: Path
    """The manifest's folder: relative paths in options start there."""
    subkey: Callable[[str], bytes]
    """32 bytes derived from the project key for a label; finds or makes the key when first called."""
    key_id: Callable[[], str]
    """A public name of the project key, the same for the same key."""
    has_key: Callable[[], bool]
    """Whether there is a project key, without making one."""
    environ: Mapping[str, str]
    """The environment variables that the backend's own tools would heed."""
    retry: Retry
    """For one of the several calls of a method; see `Backend.patiently`."""
    width: int
    """Calls that the user lets a run make at once."""
    credential: Callable[[str, Mapping[str, Any]], Sensitive]
    """Asks the source that an option declares, such as `{env: TOKEN}`; the first argument names the option.

    Raise InvalidConfiguration for what is no source, SourceError for one that yields nothing."""
    offline: bool = False
    """The store will not be asked anything: only what the options say of it counts, and no credential is at hand."""


class Backend(ABC):
    """A store that holds secrets.

    A method makes one write at most and must translate every error of its SDK into one of `syncer.errors`,
    unchained where it could carry a request. A backend is used from up to `concurrency` threads at once.

    `expected` is what was observed when the change was planned. Where the store can refuse a write that finds
    another version (`Capability.CONDITIONAL_WRITE`), it must: `VersionConflict`.
    """

    type_name: ClassVar[str]
    capabilities: frozenset[Capability] = frozenset()
    """What the type can do. Where options take something away, the instance says what is left."""
    concurrency: int = 1
    """Calls that the store stands at once."""
    batch: ClassVar[int] = 1
    """Values that one call of `read_many` gives at most."""
    listing_lags: ClassVar[bool] = False
    """`observe` may show what was so some minutes ago. `look` never may: the engine asks it where they differ."""
    inherits: bool = False
    """A consumer of the scope `a.b` also finds what is in the scope `a`, as in a tree of namespaces."""
    version_is_shared: ClassVar[bool] = False
    """The version also moves with what others keep beside the value; the engine reads a value whose version moved."""
    Options: ClassVar[type[Any]]
    """A frozen dataclass of the options that stand beside `type` in the manifest."""

    place: str = ""
    """Names the store and all that its options say of where in it; empty where only `Observed.remote_id` can tell.

    Two backends with one place hold the same secrets, whatever the manifest calls them."""

    def __init__(self, options: Any, context: BackendContext) -> None:
        self.options = options
        self.context = context
        self.meter = Meter()

    @classmethod
    def open(cls, options: Mapping[str, Any], context: BackendContext) -> Self:
        """Make one from its options; must not reach for the store yet. Raise InvalidConfiguration."""
        made = cls(parse_options(cls.Options, options), context)
        if not context.offline:
            made.connect()
        return made

    def connect(self) -> None:
        """Find out where the store is and as whom to go there; must not reach for it yet. Raise InvalidConfiguration.

        Not called where the store will not be asked, so what needs a variable or a credential belongs in here.
        """

    def takes_new_key(self) -> bool | None:
        """Whether it seals under the project key and holds nothing yet, so that one may be made; None: it does not.

        False where something was sealed already: it must be opened with the key that sealed it.
        """
        return None

    def patiently(self, call: Callable[[], T]) -> T:
        """Make one of the several calls of a method, trying it again by itself. Raise BackendError, never Transient.

        The engine tries whole methods again. What was tried enough in here must not be tried as often again.
        """
        try:
            return self.context.retry.call(call)
        except Transient as error:
            worn_out = BackendError(error.message, hint=error.hint)
        raise worn_out

    def unhurried(self, call: Callable[[], T]) -> T:
        """Make one of the several calls of a write that is tried again as a whole, and here only while throttled.

        Raise Refused where the store never had the time: it surely wrote nothing.
        """
        try:
            return replace(self.context.retry, attempts=1).call(call)
        except Throttled as error:
            refused = Refused(error.message, hint=error.hint)
        raise refused

    def then(self, call: Callable[[], T]) -> T:
        """Make a later call of a write, patiently. Raise BackendError whatever goes wrong: the first call was made.

        A denial here must not pass for one that left everything as it was.
        """
        try:
            return self.patiently(call)
        except SyncerError as error:
            unfinished = BackendError(error.message, hint=error.hint)
        raise unfinished

    def wrote(self, secret: Secret, value: Sensitive, expected: Observed | None, found: Observed) -> bool | None:
        """Whether what is `found` is what a create, or a rotate of `expected`, with this value has made.

        None where the store does not tell: the engine then reads the value, if it may.
        """
        return None

    def declare(self, secret: Secret) -> Secret:
        """Give the secret as it is to be here: with the tags that an option demands of every one."""
        return secret

    def shape(self, secret: Secret, value: Sensitive) -> Sensitive:
        """Give the value as `read` will give it back, where the store takes it apart. Raise Unsupported."""
        return value

    def check(self, secret: Secret) -> None:
        """Raise Unsupported for a declared secret that this backend cannot hold, with the reason; offline."""

    def check_value(self, secret: Secret, value: Sensitive) -> None:
        """Raise Unsupported for a value that this backend cannot hold (size, encoding), while planning."""
        if Capability.BINARY not in self.capabilities and not _is_text(value):
            message = f"backend type {self.type_name} holds UTF-8 text only"
            raise Unsupported(message, hint="encode the value, for instance in base64, where it comes from")

    def check_scope(self, scope: str) -> None:
        """Raise Unsupported for a scope in which nothing can be made, such as one that is not there.

        Asked while planning, of each scope in which something is to be created; may ask the store.
        """

    def recall(self, versions: Iterable[tuple[str, str]]) -> None:
        """Be told, before the store is observed, of the versions that state remembers, by `remote_id`.

        For stores that may give a version's name a second time; others need not know.
        """

    @abstractmethod
    def observe(self, scopes: Collection[str], addresses: Collection[Address]) -> Iterable[Observed]:
        """Give the metadata of everything in `scopes`: every page, foreign entries and pending deletions too.

        `addresses` are those that the run is about, for stores that are asked by name. More may come; an
        address must never come twice. No value is read.
        """

    def look(self, address: Address) -> Observed | None:
        """What is at one address now; None for nothing. Never older than our own last write there.

        Override it where one call can tell; this one lists the whole scope.
        """
        return next((found for found in self.observe([address.scope], [address]) if found.address == address), None)

    @abstractmethod
    def create(self, secret: Secret, value: Sensitive) -> Observed:
        """Write a new, enabled secret with its tags, description and owner mark. AlreadyExists if present."""

    @abstractmethod
    def rotate(self, secret: Secret, value: Sensitive, expected: Observed) -> Observed:
        """Write a new version of the value; keep tags, description and enabled. NotFound if gone."""

    def read(self, address: Address) -> Sensitive:
        """Give the current value. NotFound if gone. Needs READ, and READ_DISABLED for a disabled secret."""
        self._cannot(f"read {address}")

    def read_many(self, addresses: Sequence[Address]) -> Iterable[tuple[Address, Sensitive]]:
        """Give the current values of up to `batch` secrets in one call, in any order. NotFound if one is gone."""
        for address in addresses:
            yield address, self.read(address)

    def read_version(self, address: Address, version: str) -> Sensitive:
        """Give the value of a version, as the store or `Observed.version` names it; the current one too.

        NotFound where there is no such version, or its value is not kept. Needs READ_VERSION.
        """
        self._cannot(f"read version {version} of {address}")

    def update(self, secret: Secret, expected: Observed, drop: Collection[str]) -> Observed:
        """Set tags, description and owner mark as declared, remove the tags in `drop`, keep others.

        Needs TAGS or DESCRIPTION.
        """
        self._cannot(f"update {secret.address}")

    def set_enabled(self, expected: Observed, *, enabled: bool) -> Observed:
        """Allow or stop consumers to read it, the value kept. Needs one of the DISABLE capabilities."""
        self._cannot(f"disable {expected.address}")

    def delete(self, expected: Observed) -> None:
        """Delete, softly where the store can. NotFound if gone. Needs DELETE."""
        self._cannot(f"delete {expected.address}")

    def restore(self, expected: Observed) -> Observed:
        """Undo a soft deletion: the value, tags and enabled state as they were. Needs SOFT_DELETE."""
        self._cannot(f"restore {expected.address}")

    def move(self, secret: Secret, expected: Observed) -> Observed:
        """Rename `expected.address` to `secret.address`, value and version kept. Needs MOVE.

        AlreadyExists if the new name is taken, NotFound if the old one is gone.
        """
        self._cannot(f"move {expected.address}")

    def close(self) -> None:
        """Let go of connections; called once, also after an error."""

    def _cannot(self, what: str) -> NoReturn:
        message = f"backend type {self.type_name} cannot {what}"
        raise Unsupported(message)


def _is_text(value: Sensitive) -> bool:
    try:
        value.reveal().decode()
    except UnicodeDecodeError:
        return False
    return True
