"""Everything that a server holds, and the log of what was asked of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.fakes.clock import Clock
from conformance.fakes.dagu.interludes import Interludes
from conformance.fakes.dagu.login_limit import LoginLimit
from conformance.fakes.dagu.profile_store import Profiles
from conformance.fakes.dagu.secret_store import SecretStore
from conformance.fakes.dagu.workspaces import Workspaces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.fakes.dagu.accounts import Accounts
    from conformance.fakes.dagu.replies import Document
    from conformance.fakes.dagu.requests import Request
    from conformance.fakes.dagu.roles import Identity
    from conformance.fakes.logged import Logged


@dataclass(slots=True, kw_only=True)
class State:
    """A server's data; a test may set the switches at any time."""

    accounts: Accounts
    secrets: SecretStore = field(default_factory=SecretStore)
    profiles: Profiles = field(default_factory=Profiles)
    workspaces: Workspaces = field(default_factory=Workspaces)
    logins: LoginLimit = field(default_factory=LoginLimit)
    interludes: Interludes = field(default_factory=Interludes)
    clock: Clock = field(default_factory=Clock)
    log: list[Logged] = field(default_factory=list)
    keyless: bool = False
    """Whether it started with a key that it could not use: there are no secrets then, and nothing else is wrong."""
    compresses: bool = True
    """Whether answers are compressed for those who say that they can read it."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def tick(self) -> int:
        """Let a moment pass, and give the time."""
        with self.lock:
            return self.clock.tick()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has found its handler."""

    state: State
    request: Request
    who: Identity
    parameters: Mapping[str, str]
    """The parts of the path that the route leaves open."""
    given: Document
    """The known fields of the body."""

    @property
    def now(self) -> int:
        """The time, which has moved since it was last asked."""
        return self.state.tick()

    def interlude(self) -> None:
        """Stand between a read and the write that builds on it."""
        self.state.interludes.run(self.request.name)
