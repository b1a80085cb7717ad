"""PUT, PATCH and DELETE of secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.kestra.accounts import Right
from conformance.fakes.kestra.bodies import check, tags
from conformance.fakes.kestra.errors import BY_STATUS, NOT_FOUND, UNKNOWN_HERE, Refused
from conformance.fakes.kestra.names import lineage
from conformance.fakes.kestra.records import Secret
from conformance.fakes.kestra.replies import NOTHING, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.fakes.kestra.state import Call
    from conformance.fakes.kestra.store import Secrets

OK = 200


def put(call: Call) -> Reply:
    """Create a secret, or replace the one there is, all of it."""
    call.who.require(Right.UPDATE, call.namespace)
    given = call.request.document()
    check(given, ("key", "value", "description", "tags") if call.state.release.whole_puts else ("key", "value"))
    secret = Secret(value=given["value"], description=given.get("description"), tags=tags(given))
    _require_writable(call)
    call.write(lambda secrets: secrets.update({given["key"]: secret}))
    return _written(call, given["key"], secret)


def patch(call: Call) -> Reply:
    """Replace a secret's tags and description; a namespace in the body means nothing."""
    call.who.require(Right.UPDATE, call.namespace)
    given = call.request.document()
    check(given, ("key", "tags"))
    if given["key"] != call.key:
        raise Refused(UNKNOWN_HERE, "other keys in the body than in the path")
    changed = _patched(call, given.get("description"), tags(given))
    return _written(call, call.key, changed)


def delete(call: Call) -> Reply:
    """Forget a secret at once."""
    call.who.require(Right.DELETE, call.namespace)
    _require_writable(call)
    call.write(lambda secrets: _drop(call, secrets))
    return Reply(body=[call.key]) if call.state.release.lists_deleted else NOTHING


def _patched(call: Call, description: str | None, wanted: Iterable[tuple[str, str]]) -> Secret:
    _require_writable(call)
    made: list[Secret] = []

    def change(secrets: Secrets) -> None:
        if call.key not in secrets:
            raise _missing(call)
        found = secrets[call.key]
        kept = found.description if call.state.quirks.patch_keeps_description else None
        text = kept if description is None else description
        made.append(replace(found, description=text, tags=tuple(wanted)))
        secrets[call.key] = made[0]

    call.write(change)
    return made[0]


def _drop(call: Call, secrets: Secrets) -> None:
    status = call.state.quirks.missing_deletes
    if secrets.pop(call.key, None) or status == OK:
        return
    raise Refused(BY_STATUS[status], _missing(call).detail)


def _missing(call: Call) -> Refused:
    return Refused(NOT_FOUND, f"Cannot find secret for key '{call.key}'.")


def _require_writable(call: Call) -> None:
    """Refuse what the store behind the server does not take, and a namespace that is not there."""
    if is_read_only(call, call.namespace):
        raise Refused(BY_STATUS[call.state.quirks.read_only_status], "The secret manager is read-only")
    status = call.state.quirks.unknown_namespaces
    if status and not call.state.exists(call.place):
        raise Refused(BY_STATUS[status], f"Namespace {call.namespace} does not exist")


def is_read_only(call: Call, *namespaces: str) -> bool:
    """Whether any of these namespaces is for reading only."""
    marked = call.state.quirks.read_only_namespaces
    return call.state.quirks.read_only or any(marked & {*lineage(namespace)} for namespace in namespaces)


def _written(call: Call, key: str, secret: Secret) -> Reply:
    written = call.state.store.get(call.place) if call.state.quirks.whole_answers else {key: secret}
    return Reply(body=[call.state.metadata(call.place, name, one) for name, one in written.items()])
