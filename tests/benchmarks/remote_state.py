"""Writes the state of the project in this folder as if an apply had just written what the backend holds."""

from __future__ import annotations

import uuid
from pathlib import Path

from syncer import crypto
from syncer.engine.refresh import source_digest
from syncer.engine.session import Session
from syncer.manifest import load_manifest
from syncer.model import DEFAULT_BACKEND
from syncer.sensitive import Sensitive
from syncer.state.model import Record


def main() -> None:
    """Observe every secret of the manifest, and remember it as written by us."""
    with Session(load_manifest(Path("syncer.yaml"))) as session:
        secrets = session.manifest.secrets
        key = session.keyring.subkey(crypto.FINGERPRINTS)
        now = session.surroundings.clock()
        puts = {}
        for seen in session.backend(DEFAULT_BACKEND).observe(list(session.manifest.scopes), list(secrets)):
            secret = secrets[seen.address]
            value = session.surroundings.environ[secret.source.argument]
            puts[seen.address] = Record(
                backend=secret.backend,
                remote_id=seen.remote_id,
                version=seen.version,
                fingerprint=crypto.fingerprint(key, Sensitive(value.encode()), seen.address, None),
                source=source_digest(secret.source),
                tags=dict(secret.tags),
                enabled=True,
                description=secret.description or None,
                on_remove=secret.on_remove,
                rotation=0,
                created=now,
                rotated=now,
            )
        assert len(puts) == len(secrets)
        session.state_store.write(session.state_store.read().advance(puts, lineage=str(uuid.uuid4())))


if __name__ == "__main__":
    main()
