"""What a run over Secrets Manager asks for: how often, with which rights, and whom it believes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conformance.fakes.answers import INTERNAL_ERROR, THROTTLED, access_denied
from conformance.fakes.fault_proxy import FaultProxy, Rule
from support import House, actions, secret

from syncer.engine.prepare import Request
from syncer.errors import AccessDenied, BackendError, Transient
from syncer.model import Address, OnRemove
from syncer.plans import Calls
from syncer.testing.base import declared
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from .conftest import Store
