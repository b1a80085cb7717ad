"""Facts made by hand for the pure diff: one desired secret, what is observed of it, and its record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support import NOW, PROJECT, actions, fingerprint, secret

from syncer.backends.base import Capability
from syncer.engine.facts import Facts
from syncer.engine.planner import diff
from syncer.engine.refresh import source_digest
from syncer.model import DEFAULT_BACKEND, Address, Desired, Move, Observed, Origin
from syncer.sensitive import Sensitive
from syncer.state.model import Record, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syncer.engine.facts import Findings
    from syncer.model import Secret

A = "global:a"
B = "global:b"
EVERYTHING = frozenset(Capability) - {Capability.DISABLE_ADVISORY, Capability.DISABLE_REMOVES}


def wanted(declared: Secret, value: bytes | None = b"v1", like: str | None = None) -> Desired:
    """What is desired, with a value; None for what is made at apply."""
    if value is None:
        made = declared.source.type == "generate"
        return Desired(secret=declared, source_digest=source_digest(declared.source), made_at_apply=made)
    name = str(declared.address)
    salt = fingerprint(b"", like) if like else None
    return Desired(secret=declared, value=Sensitive(value), fingerprint=fingerprint(value, name, salt))


def seen(name: str = A, **facts: object) -> Observed:
    """What a backend says: in version 1, ours, enabled."""
    given = {"version": "1", "tags": {}, "enabled": True, "description": "", "owner": PROJECT, **facts}
    return Observed(address=Address.parse(name), **given)  # type: ignore[arg-type]


def record(name: str = A, declared: Secret | None = None, **facts: object) -> Record:
    """What state remembers after an apply of `declared` with the value `v1`."""
    declared = declared or secret(name)
    known = Record(
        backend=declared.backend,
        remote_id="",
        version="1",
        fingerprint=fingerprint(b"v1", name),
        source=source_digest(declared.source),
        tags=dict(declared.tags),
        enabled=declared.enabled,
        description=declared.description or None,
        on_remove=declared.on_remove,
        rotation=declared.rotate.version,
        created=NOW,
        rotated=NOW,
    )
    return replace(known, **facts)  # type: ignore[arg-type]


def facts(
    desired: Iterable[Desired] = (),
    observed: Iterable[Observed] = (),
    records: Mapping[str, Record] | None = None,
    **more: object,
) -> Facts:
    """Put facts together; `observed` is on the default backend, `west` is empty unless `elsewhere` says more."""
    elsewhere: Iterable[Observed] = more.pop("elsewhere", ())  # type: ignore[assignment]
    given: dict[str, object] = {
        "capabilities": {DEFAULT_BACKEND: EVERYTHING, "west": EVERYTHING},
        "now": NOW,
        **more,
    }
    return Facts(
        project=PROJECT,
        desired={each.secret.address: each for each in desired},
        observed={
            DEFAULT_BACKEND: {each.address: each for each in observed},
            "west": {each.address: each for each in elsewhere},
        },
        state=State(
            project=PROJECT, lineage="l", records={Address.parse(name): each for name, each in (records or {}).items()}
        ),
        **given,  # type: ignore[arg-type]
    )


def without(*missing: Capability) -> dict[str, frozenset[Capability]]:
    """Capabilities of both backends, some taken away."""
    return {name: EVERYTHING - set(missing) for name in (DEFAULT_BACKEND, "west")}


def planned(*given: object, **more: object) -> list[str]:
    """Name the changes of the diff as `action(reason)`; with one backend or address more, `@` names it."""
    return actions(found(*given, **more).changes)


def found(*given: object, **more: object) -> Findings:
    """Run the diff."""
    return diff(facts(*given, **more))  # type: ignore[arg-type]


def codes(findings: Findings) -> list[str]:
    """Name the diagnostics."""
    return [each.code for each in findings.diagnostics]


def move(source: str = A, target: str = B) -> Move:
    """Declare a move."""
    return Move(source=Address.parse(source), target=Address.parse(target), origin=Origin(file="syncer.yaml", line=9))
