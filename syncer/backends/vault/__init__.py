"""HashiCorp Vault and OpenBao: secrets in a KV engine of version 2."""

from __future__ import annotations

from syncer.backends.vault.backend import Vault

__all__ = ["Vault"]
