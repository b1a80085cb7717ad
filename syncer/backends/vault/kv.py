"""The calls of a KV version 2 mount, each by its name.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and https://openbao.org/api-docs/secret/kv/kv-v2/
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from syncer.backends.vault import marks
from syncer.backends.vault.errors import said, told
from syncer.backends.vault.marks import Entry
from syncer.backends.vault.messages import Request, garbled
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from syncer.backends.vault.api import Api
    from syncer.backends.vault.marks import Marks
    from syncer.backends.vault.messages import Answer, Json

_ABSENT = 404
_NO_SUCH_METHOD = 405
_BROKEN = 500
_CANNOT_SCAN = (400, 403, _ABSENT, _NO_SUCH_METHOD, 500)
"""What a server says that has no scan, a policy without the right to it, and a scan that a name of others breaks."""
_ODD = (LookupError, TypeError, AttributeError, ValueError)


class Place(NamedTuple):
    """Where a secret is, or a folder of them."""

    thing: str
    """For errors: the address, or the scope."""
    path: str
    """Inside the mount; a folder's ends with a slash, unless it is the mount itself."""


class Held(NamedTuple):
    """What a version holds."""

    fields: Json
    custom: dict[str, str]
    """The custom metadata of the secret."""
    made: object
    """When the version was written."""


class Kv:
    """One mount; safe to share between threads. Writes raise NotFound where nothing is, and all what `errors` tells."""

    def __init__(self, api: Api, mount: str, where: str) -> None:
        self.mount = mount.strip("/")
        self._where = where
        self._api = api
        self._lock = threading.Lock()
        self._proven = False
        """Whether this is known to be what we take it for, or that nobody will tell us."""

    def name(self, path: str) -> str:
        """Call a secret by a name that none on another server, in another namespace or mount has."""
        return f"{self._where}/{self.mount}/{path}"

    def look(self, place: Place) -> Entry | None:
        """Give the metadata of a secret; None where there is none."""
        answer = self._call("GET", "metadata", place, accept=(_ABSENT,))
        return self._entry(answer.document.get("data"), answer) if answer.ok else None

    def list(self, folder: Place) -> list[str]:
        """Name what is in a folder: secrets, and folders with a slash at their end."""
        answer = self._call("LIST", "metadata", folder, accept=(_ABSENT,))
        if not answer.ok:
            return []
        with suppress(*_ODD):
            return [str(name) for name in answer.document["data"]["keys"]]
        raise garbled(answer)

    def scan(self, folder: Place) -> dict[str, Entry] | None:
        """Give all that is in a folder and below it, by path, in one call; None where we cannot have that."""
        answer = self._call("SCAN", "detailed-metadata", folder, accept=_CANNOT_SCAN)
        if not answer.ok:
            return None
        with suppress(*_ODD):
            found = answer.document["data"].get("key_info", {}).items()
            return {f"{folder.path}{name}": self._entry(data, answer) for name, data in found if data}
        raise garbled(answer)

    def read(self, place: Place, version: int | None = None) -> Held:
        """Give what a version holds, or the newest. NotFound where readers find nothing."""
        rest = f"data/{place.path}"
        request = Request(method="GET", mount=self.mount, rest=rest, thing=place.thing, version=version, values_read=1)
        answer = self._api.call(request)
        with suppress(*_ODD):
            data = answer.document["data"]
            about = data["metadata"]
            return Held(dict(data["data"] or {}), dict(about.get("custom_metadata") or {}), about.get("created_time"))
        raise garbled(answer)

    def make(self, place: Place, wanted: Marks) -> None:
        """Make a secret without a version. VersionConflict where there is one by now; only OpenBao tells."""
        body = {"custom_metadata": marks.merged({}, wanted), "metadata_cas": 0}
        self._call("POST", "metadata", place, body, creates=True)

    def mark(self, place: Place, wanted: Marks) -> None:
        """Change the custom metadata, and keep what is not named."""
        answer = self._call("PATCH", "metadata", place, {"custom_metadata": wanted}, accept=(_NO_SUCH_METHOD,))
        if not answer.ok:
            self._remark(place, wanted)

    def write(self, place: Place, fields: Json, cas: int) -> str:
        """Write a version after the one with the number `cas`, with these fields alone. Give the new version.

        VersionConflict where another one is the newest.
        """
        return _written(self._call("POST", "data", place, {"data": fields, "options": {"cas": cas}}))

    def patch(self, place: Place, fields: Json, drop: Iterable[str], cas: int) -> str:
        """Write a version as above that keeps the other fields. NotFound also where readers find nothing."""
        body = {"data": {**dict.fromkeys(drop), **fields}, "options": {"cas": cas}}
        answer = self._call("PATCH", "data", place, body, accept=(_NO_SUCH_METHOD, _BROKEN))
        if answer.ok:
            return _written(answer)
        if answer.status == _BROKEN and "does not exist" not in said(answer):
            raise told(answer)
        # No patch is known here, or the version holds null instead of fields, which both servers take and then miss.
        return self.replace(place, fields, drop, cas)

    def replace(self, place: Place, fields: Json, drop: Iterable[str], cas: int) -> str:
        """Do what `patch` does by reading and writing: for what no patch can say, and a server that knows none."""
        self.check()
        others = {name: found for name, found in self.read(place).fields.items() if name not in set(drop)}
        return self.write(place, {**others, **fields}, cas)

    def hide(self, place: Place, versions: Collection[int]) -> None:
        """Have the server refuse these versions to readers."""
        self._call("POST", "delete", place, {"versions": sorted(versions)})

    def show(self, place: Place, version: int) -> None:
        """Have the server give this version to readers again."""
        self._call("POST", "undelete", place, {"versions": [version]})

    def purge(self, place: Place) -> None:
        """Delete all versions and the metadata for good."""
        self._call("DELETE", "metadata", place)

    def check(self) -> None:
        """Raise InvalidConfiguration where the mount is none of KV version 2, asking once where nothing has shown it.

        An engine of version 1 takes our writes for its own, and shows nothing where version 2 has metadata.
        """
        with self._lock:
            if not self._proven:
                self._ask_mount()
                self._proven = True

    def _ask_mount(self) -> None:
        rest = f"internal/ui/mounts/{self.mount}"
        try:
            answer = self._api.call(Request(method="GET", mount="sys", rest=rest, thing=f"mount {self.mount}"))
        except (AccessDenied, NotFound, Refused):
            return  # who may not know is told by the call that matters
        with suppress(*_ODD):
            data = answer.document["data"]
            version = (data["options"] or {}).get("version", "1")
            self._check_engine(data["path"].strip("/"), data["type"], version)
            return
        raise garbled(answer)

    def _check_engine(self, at: str, kind: str, version: str) -> None:
        if at != self.mount:
            message = f"option `mount`: the engine is mounted at {at}"
        elif kind != "kv":
            message = f"option `mount`: {self.mount} is of type {kind}, not kv"
        elif version != "2":
            message = f"option `mount`: {self.mount} is a KV engine of version {version}, which keeps no versions"
        else:
            return
        raise InvalidConfiguration(message, hint="one of version 2 is wanted: `vault secrets list -detailed`")

    def _remark(self, place: Place, wanted: Marks) -> None:
        self.check()
        found = self.look(place)
        if found is None:
            message = f"{place.thing}: not in vault"
            raise NotFound(message)
        self._call("POST", "metadata", place, {"custom_metadata": marks.merged(found.custom, wanted)})

    def _call(
        self,
        method: str,
        part: str,
        place: Place,
        body: Json | None = None,
        *,
        accept: Collection[int] = (),
        creates: bool = False,
    ) -> Answer:
        request = Request(
            method=method,
            mount=self.mount,
            rest=f"{part}/{place.path}",
            thing=place.thing,
            body=body,
            creates=creates,
        )
        return self._api.call(request, accept=accept)

    def _entry(self, data: Json | None, answer: Answer) -> Entry:
        with suppress(*_ODD):
            found = Entry.of(data or {}, answer.headers.get("Date"))
            self._proven = True
            return found
        raise garbled(answer)


def _written(answer: Answer) -> str:
    with suppress(*_ODD):
        return marks.token(answer.document)
    raise garbled(answer)
