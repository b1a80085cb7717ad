"""What the server says, and what the line to it does, told in our words; never a text of its own."""

from __future__ import annotations

import json
import re
import socket
import ssl
from contextlib import suppress
from http.client import HTTPException, IncompleteRead
from typing import TYPE_CHECKING, NamedTuple

from syncer.errors import (
    AccessDenied,
    BackendError,
    InvalidConfiguration,
    NotFound,
    Refused,
    SyncerError,
    Throttled,
    Transient,
    VersionConflict,
)

if TYPE_CHECKING:
    from syncer.backends.vault.wire import Answer

TRUST_HINT = "name the file of its authority's certificate in `ca_cert` or VAULT_CACERT"
"""For a server whose certificate we do not trust."""

class Call(NamedTuple):
    """What was asked, for errors."""

    thing: str
    """The address, or what else it was about."""
    right: str
    """What a policy calls the right to do it, such as `update`."""
    path: str
    server: str
