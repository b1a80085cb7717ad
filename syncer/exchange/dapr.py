"""Dapr's form of secrets: a folder for its `local.file` component, and the documents of its secrets API.

https://docs.dapr.io/reference/components-reference/supported-secret-stores/file-secret-store/
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration
from syncer.exchange.formats import File
from syncer.exchange.maps import quoted
from syncer.exchange.texts import is_text, refuse
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from syncer.exchange.formats import Ground
    from syncer.model import Access

BULK = "bulk"
"""What Dapr's API takes for all secrets at once, and so for none of them."""
SEPARATOR = ":"
"""What Dapr joins the names of nested values with; no ref holds one."""

_HINT = "rename or change them, or keep them in a scope that Dapr does not read"
_NO_TEXT = "the value is not UTF-8 text, and Dapr knows no other"

# A sidecar that is a moment late, when exports come fast, finds the file of its component gone, and would end for that.
# As it is, it goes on with the component that has come meanwhile.
_COMPONENT = """\
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: {store}
spec:
  type: secretstores.local.file
  version: v1
  ignoreErrors: true
  metadata:
    - name: secretsFile
      value: {path}
    - name: nestedSeparator
      value: "{separator}"
    - name: multiValued
      value: "{multi}"
"""
_CONFIGURATION = """\
apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: {app}
spec:
  secrets:
    scopes:
      - storeName: {store}
        defaultAccess: {default}
        allowedSecrets: {allowed}
        deniedSecrets: {denied}
"""


def flat(values: Mapping[str, Sensitive], ground: Ground) -> list[File]:
    """Give a component whose secrets are single values. Raise Unsupported for all that Dapr would not give back.

    The store is called as the scope: no scope is called what Dapr cannot call a component.
    """
    refuse(_faults(values, _plain_fault), _HINT)
    return _folder({ref: _text(value) for ref, value in values.items()}, ground, multi=False)


def multi_valued(values: Mapping[str, Sensitive], ground: Ground) -> list[File]:
    """Give a component in which a value that is a JSON object is a secret of several values. Raise Unsupported."""
    refuse(_faults(values, _nested_fault), _HINT)
    found = {ref: _text(value) if (pairs := _pairs(value)) is None else dict(pairs) for ref, value in values.items()}
    return _folder(found, ground, multi=True)


def single(ref: str, value: Sensitive) -> Sensitive:
    """Write what Dapr's API answers for one secret. Raise Unsupported for a value that is no text."""
    _check_text({ref: value})
    return _json({ref: _text(value)})


def bulk(values: Mapping[str, Sensitive]) -> Sensitive:
    """Write what it answers for all of them. Raise Unsupported for every value that is no text."""
    _check_text(values)
    return _json({ref: {ref: _text(value)} for ref, value in values.items()})


def _folder(secrets: Mapping[str, object], ground: Ground, *, multi: bool) -> list[File]:
    """Put the component last: it names the secrets' file, and whoever follows it finds that there."""
    content = _json(secrets, indent=2)
    # Dapr reads the file once, and the component again only where that has changed: so the name goes with the content.
    name = f"secrets-{ground.named(content)}.json"
    component = _COMPONENT.format(
        store=quoted(ground.scope.name),
        path=quoted(_path(ground, name)),
        separator=SEPARATOR,
        multi=str(multi).lower(),
    )
    configurations = [
        _file(f"config-{app}.yaml", _configuration(app, ground.scope.name, access))
        for app, access in sorted(ground.scope.readers.items())
    ]
    return [File(name=name, content=content), *configurations, _file("component.yaml", component)]


def _path(ground: Ground, name: str) -> str:
    path = str(ground.folder / name)
    # Dapr puts other texts in the place of `{uuid}`, `{appID}` and the like, wherever they stand in a component.
    if "{" in path or not path.isprintable():
        message = "the path of the folder holds a brace or what is not printable, and Dapr would look elsewhere"
        raise InvalidConfiguration(message, hint="give a folder with a plainer name")
    return path


def _configuration(app: str, store: str, access: Access) -> str:
    return _CONFIGURATION.format(
        app=quoted(app),
        store=quoted(store),
        default="allow" if access.default_allow else "deny",
        allowed=_list(access.allowed),
        denied=_list(access.denied),
    )


def _list(refs: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, sorted(set(refs))))}]"


def _file(name: str, text: str) -> File:
    return File(name=name, content=Sensitive(text.encode()))


def _json(document: Mapping[str, object], indent: int | None = None) -> Sensitive:
    return Sensitive(json.dumps(document, sort_keys=True, indent=indent, ensure_ascii=False).encode() + b"\n")


def _text(value: Sensitive) -> str:
    return value.reveal().decode()


def _check_text(values: Mapping[str, Sensitive]) -> None:
    refuse(f"{ref}: {_NO_TEXT}" for ref in sorted(values) if not is_text(values[ref]))


def _faults(values: Mapping[str, Sensitive], fault: Callable[[Sensitive], str | None]) -> Iterator[str]:
    if BULK in values:
        yield f"{BULK}: Dapr's API gives all secrets under this name, and so never this one"
    for ref in sorted(values):
        why = fault(values[ref])
        if why:
            yield f"{ref}: {why}"


def _plain_fault(value: Sensitive) -> str | None:
    """Say what keeps a value from coming out of Dapr as it is."""
    if value.empty:
        return "the value is empty"
    return None if is_text(value) else _NO_TEXT


def _nested_fault(value: Sensitive) -> str | None:
    """Say the same where it may be an object; names of fields are a part of a value, so none is told."""
    why = _plain_fault(value)
    pairs = None if why else _pairs(value)
    if pairs is None:
        return why
    names = [name for name, _ in pairs]
    if not names:
        return "the value is an object without fields"
    if len(set(names)) < len(names):
        return "two fields of the object come to the same name"
    if any(SEPARATOR in name for name in names):
        return f"a field of the object has a `{SEPARATOR}` in its name, which Dapr would take for a nested one"
    if not all(isinstance(field, str) and _encodes(name + field) for name, field in pairs):
        return "a field of the object is not a string, and Dapr would garble it"
    return None if all(field for _, field in pairs) else "a field of the object is empty"


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, as JSON can escape one
        return False
    return True


class _Pairs(list[tuple[str, object]]):
    """The fields of a JSON object, also those whose name stands there twice."""


def _pairs(value: Sensitive) -> _Pairs | None:
    """Give the fields of a value that is a JSON object; None for any other."""
    try:
        found = json.loads(_text(value), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, _Pairs) else None
