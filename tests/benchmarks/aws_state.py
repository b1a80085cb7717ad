"""Writes the state that an apply of the benchmark's secrets would leave, into the project in the current folder."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

from syncer import crypto
from syncer.engine.refresh import source_digest
from syncer.engine.session import Session
from syncer.manifest import load_manifest
from syncer.sensitive import Sensitive
from syncer.state.model import Record


def main(scopes: int, per_scope: int) -> None:
    """Number the secrets as the listing does."""
    with Session(load_manifest(Path("syncer.yaml"))) as session:
        key = session.keyring.subkey(crypto.FINGERPRINTS)
        now = session.surroundings.clock()
        puts = {}
        for address, secret in session.manifest.secrets.items():
            number = int(secret.source.argument.rpartition("_")[2])
            puts[address] = Record(
                backend=secret.backend,
                remote_id=f"arn:aws:secretsmanager:us-east-1:123456789012:secret:x-{number:06x}",
                version=str(uuid.UUID(int=number)),
                fingerprint=crypto.fingerprint(key, Sensitive(f"value-{number}".encode()), address, None),
                source=source_digest(secret.source),
                tags=dict(secret.tags),
                enabled=True,
                description=secret.description,
                on_remove=secret.on_remove,
                rotation=0,
                created=now,
                rotated=now,
            )
        assert len(puts) == scopes * per_scope
        state = session.state_file.read()
        session.state_file.write(state.advance(puts, lineage=str(uuid.uuid4())))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
