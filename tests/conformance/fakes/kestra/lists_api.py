"""Lists of secrets, none of which has a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.fakes.kestra.accounts import Right
from conformance.fakes.kestra.errors import BY_STATUS, FORBIDDEN, Refused
from conformance.fakes.kestra.filters import NAMESPACE, Filter, filters
from conformance.fakes.kestra.pages import page
from conformance.fakes.kestra.replies import Reply
from conformance.fakes.kestra.writes_api import is_read_only

if TYPE_CHECKING:
    from conformance.fakes.kestra.pages import Entry
    from conformance.fakes.kestra.state import Call


def tenant(call: Call) -> Reply:
    """List the tenant's secrets, those that the filters let through."""
    return _listing(call, filters(call.request.parameters))


def namespace(call: Call) -> Reply:
    """List one namespace, as releases before 2.0 can."""
    own = Filter(field=NAMESPACE, operation="EQUALS", asked=call.namespace)
    return _listing(call, [own, *filters(call.request.parameters)])


def inherited(call: Call) -> Reply:
    """List the keys that runs of a namespace may use, by the namespace that has them."""
    call.who.require(Right.LIST, call.namespace)
    return Reply(body=call.state.store.inherited(call.place))


def _listing(call: Call, conditions: list[Filter]) -> Reply:
    asked = [one.asked for one in conditions if one.field == NAMESPACE and one.operation == "EQUALS"]
    _refuse(call, asked)
    found = [entry for entry in _visible(call) if all(one.lets(entry[0], entry[1]) for one in conditions)]
    results = [
        call.state.metadata((call.tenant, place), key, secret) for place, key, secret in page(call.request, found)
    ]
    return Reply(body={"readOnly": is_read_only(call, *asked), "results": results, "total": len(found)})


def _refuse(call: Call, asked: list[str]) -> None:
    """Refuse a list to those who may not have it, and of namespaces that are not there, where the server does."""
    denied = not call.who.may(Right.LIST) or not all(call.who.may(Right.LIST, one) for one in asked)
    if denied and call.state.quirks.deny_lists:
        raise Refused(FORBIDDEN)
    status = call.state.quirks.unknown_lists
    for one in asked:
        if status and not call.state.exists((call.tenant, one)):
            raise Refused(BY_STATUS[status], f"Namespace {one} does not exist")


def _visible(call: Call) -> list[Entry]:
    """Give the secrets that whoever asks may see, in no order."""
    documents = list(call.state.store.documents.items())
    return [
        (place, key, secret)
        for (owner, place), secrets in documents
        if owner == call.tenant and call.who.may(Right.LIST, place)
        for key, secret in secrets.items()
    ]
