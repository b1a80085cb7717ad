"""What may stand beside `type: vault`, and what of it can never work."""

from __future__ import annotations

from dataclasses import dataclass

from syncer.errors import InvalidConfiguration
from syncer.naming import Template
from syncer.readers import Reader
from syncer.rest.options import Declared, check_url

FORMATS = ("string", "json")
_OURS = "{project}/{scope}/{ref}"
_READERS = "{scope}/{ref}"
_DAPRS_PREFIX = str(Reader.DAPR)
"""What Dapr takes where its component names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultOptions:
    """Where the server is, who we are to it, and how secrets are laid out there."""

    address: str | None = None
    """Such as `https://vault.example.com:8200`; without it, BAO_ADDR or VAULT_ADDR."""
    namespace: str | None = None
    """Without it, BAO_NAMESPACE or VAULT_NAMESPACE, or the root."""
    mount: str = "secret"
    """Where the KV engine, version 2, is mounted."""
    path: str | None = None
    """Without it, `{project}/{scope}/{ref}`, or what the reader looks for."""
    prefix: str | None = None
    """Folders in front of `path`; without it, `dapr` for this reader and none for others."""
    field: str = "value"
    """The field of the KV secret that holds the value; others are left alone."""
    format: str = "string"
    """`json`: a value is a JSON object, each of its keys a field."""
    reader: str | None = None
    """`kestra`: secrets lie as a Kestra that only reads asks for them; its `secret-path-prefix` is a scope's folder.
    `dapr`: as a component of Dapr does; its `vaultKVPrefix` is a scope's folder."""
    purge: bool = False
    """Delete with all versions and metadata, so that nothing can be restored."""
    ca_cert: str | None = None
    """A file of certificates to trust instead of the system's; relative paths start in the manifest's folder."""
    client_cert: str | None = None
    client_key: str | None = None
    tls_server_name: str | None = None
    """The name that the server's certificate bears, where it is not that of the address."""
    auth: Declared | None = None
    """`method` and what it needs; see `auth`. Without it, the token of the environment."""

    def __post_init__(self) -> None:
        if self.address is not None:
            check_url("option `address`", self.address)
        for name in ("namespace", "mount"):
            check_folders(name, getattr(self, name))
        if self.mount == "":
            _refuse("mount", "must not be empty")
        if not self.field:
            _refuse("field", "must not be empty")
        if self.format not in FORMATS:
            _refuse("format", f"must be one of {', '.join(FORMATS)}")
        if Reader.of(self.reader) is not None and not (self.path or _READERS).rstrip("/").endswith("/{ref}"):
            _refuse("path", f"must end in /{{ref}} with `reader: {self.reader}`: it asks for a name in a folder")
        if self.client_key is not None and self.client_cert is None:
            _refuse("client_key", "needs `client_cert`")

    def template(self, project: str) -> Template:
        """Give the path of a secret inside the mount. Raise InvalidConfiguration for one that the server changes."""
        check_folders("prefix", self.prefix)
        prefix = (_DAPRS_PREFIX if self.reader == Reader.DAPR else "") if self.prefix is None else self.prefix
        path = (_OURS if self.reader is None else _READERS) if self.path is None else self.path
        check_folders("path", path)
        text = f"{prefix.strip('/')}/{path.strip('/')}".lstrip("/")
        return Template("path", text, project)


def check_folders(option: str, text: str | None) -> None:
    """Raise InvalidConfiguration for a path that the server would clean, and so take for another one."""
    folders = text.strip("/").split("/") if text and isinstance(text, str) else []
    if any(folder in ("", ".", "..") or not folder.isprintable() for folder in folders):
        _refuse(option, "must be a path of folders, none of them empty, `.` or `..`")


def _refuse(option: str, rule: str) -> None:
    message = f"option `{option}` {rule}"
    raise InvalidConfiguration(message)
