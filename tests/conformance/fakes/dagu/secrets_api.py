"""`/secrets`: handlers, which put several steps of the store together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.fakes.dagu.names import check_ref, quoted, scope
from conformance.fakes.dagu.records import MANAGED, Metadata, Status
from conformance.fakes.dagu.replies import (
    BROKEN,
    HIDDEN,
    NO_CONTENT,
    NO_STORE,
    Document,
    Refused,
    Reply,
    bad,
    missing,
    taken,
)
from conformance.fakes.dagu.roles import MANAGERS

if TYPE_CHECKING:
    from conformance.fakes.dagu.state import Call

PAGE = 100
LARGEST_PAGE = 500
EXTERNAL = frozenset({"vault", "kubernetes", "gcp", "aws", "azure", "alibaba"})
MISSING = missing("Secret")
NO_VALUE = bad("value must not be empty")
TAKEN = taken("Secret with this workspace and ref already exists")
FOREIGN = bad("dagu-managed secrets must not set provider connection or provider ref")


def listing(call: Call) -> Reply:
    """List one scope, page by page; behind the end of it there is not even an empty list."""
    _require_store(call)
    workspace = scope(call.request.parameter("workspace"))
    call.who.require_in(workspace, MANAGERS)
    limit, offset = _page(call)
    found = [metadata.document() for metadata in call.state.secrets.listed(workspace)]
    page = None if offset > len(found) else found[offset : offset + limit]
    return Reply(body={"secrets": page, "total": len(found)})


def create(call: Call) -> Reply:
    """Make a secret, whose workspace need not exist."""
    _require_store(call)
    workspace = scope(call.given.get("workspace"), prefix="bad_request: ")
    call.who.require_in(workspace, MANAGERS)
    _check_provider(call.given.get("providerType", ""))
    ref, value = call.given.get("ref", ""), call.given.get("value")
    check_ref(ref)
    if value == "":
        return NO_VALUE
    now = call.now
    description = call.given.get("description", "")
    metadata = Metadata(workspace=workspace, ref=ref, description=description, created=now, updated=now)
    if not call.state.secrets.create(metadata, value):
        return TAKEN
    return Reply(status=201, body=_again(call, metadata))


def read(call: Call) -> Reply:
    """Describe a secret."""
    return Reply(body=_managed(call).document())


def update(call: Call) -> Reply:
    """Change the description where one is given; what else is given is as good as not."""
    metadata = _managed(call)
    if call.given.get("providerConnectionId") or call.given.get("providerRef"):
        return FOREIGN
    return _written_back(call, replace(metadata, description=call.given.get("description", metadata.description)))


def disable(call: Call) -> Reply:
    """Keep it from runs, if it was not kept already."""
    return _written_back(call, replace(_managed(call), status=Status.DISABLED))


def enable(call: Call) -> Reply:
    """Give it to runs."""
    return _written_back(call, replace(_managed(call), status=Status.ACTIVE))


def delete(call: Call) -> Reply:
    """Forget it at once, all its versions."""
    return NO_CONTENT if call.state.secrets.drop(_managed(call).id) else MISSING


def rotate(call: Call) -> Reply:
    """Write a version, be its value the same; a disabled secret stays so."""
    metadata = _managed(call)
    if not call.given.get("value"):
        return NO_VALUE
    written = call.state.secrets.append(metadata.id, call.given["value"], call.now)
    return Reply(body=written.document()) if written else MISSING


def _require_store(call: Call) -> None:
    if call.state.keyless:
        raise Refused(NO_STORE)


def _page(call: Call) -> tuple[int, int]:
    limit, offset = call.request.number("limit"), call.request.number("offset")
    if limit is not None and limit <= 0:
        raise Refused(bad("limit must be greater than zero"))
    if offset is not None and offset < 0:
        raise Refused(bad("offset must not be negative"))
    return min(limit or PAGE, LARGEST_PAGE), offset or 0


def _check_provider(provider: str) -> None:
    if provider in EXTERNAL:
        raise Refused(bad("external secret providers are request-based; contact https://dagu.sh/contact"))
    if provider != MANAGED:
        raise Refused(bad(f"invalid secret provider type: {quoted(provider)}"))


def _managed(call: Call) -> Metadata:
    """Give the secret that the path names, to those who manage its scope."""
    _require_store(call)
    metadata = call.state.secrets.find(call.parameters["id"])
    if metadata is None:
        raise Refused(MISSING)
    try:
        call.who.require_in(metadata.workspace, MANAGERS)
    except Refused as refused:
        raise (Refused(MISSING) if refused.reply is HIDDEN else refused) from None
    return metadata


def _written_back(call: Call, changed: Metadata) -> Reply:
    """Put the whole of what was read before back, changed; what others wrote since then is lost."""
    call.interlude()
    if not call.state.secrets.put(replace(changed, updated=call.now)):
        return MISSING
    return Reply(body=_again(call, changed))


def _again(call: Call, metadata: Metadata) -> Document:
    """Read what was written, and perhaps written over."""
    found = call.state.secrets.find(metadata.id)
    if found is None:
        raise Refused(BROKEN)
    return found.document()
