"""Whom to trust, and what to show, where a server is reached over TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The files and names that options or environment give."""

    ca_cert: Path | None = None
    """Trusted instead of the system's certificates."""
    ca_folder: Path | None = None
    """Of such files; read where there is no `ca_cert`."""
    client_cert: Path | None = None
    client_key: Path | None = None
    """Where it is not in the file of the certificate."""
    server_name: str | None = None
    verify: bool = True
    trust: str = "`ca_cert`"
    """What the files to trust come from, for errors."""
    show: str = "`client_cert` and `client_key`"
    """What the files to show come from."""

    def context(self) -> ssl.SSLContext:
        """Read the files. Raise InvalidConfiguration naming the option whose file cannot be used."""
        try:
            made = ssl.create_default_context(cadata=self._trusted())
        except (OSError, ValueError):  # the latter for a path with NUL
            raise _unusable(self.trust, self.ca_cert or self.ca_folder) from None
        if not self.verify:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        if self.client_cert is not None:
            try:
                # `str()` is an empty password: without one, OpenSSL would ask for it on the terminal.
                made.load_cert_chain(self.client_cert, self.client_key, password=str)
            except (OSError, ValueError):
                raise _unusable(self.show, self.client_cert, self.client_key) from None
        return made

    def _trusted(self) -> str | None:
        """Give the certificates to trust as text; None for the system's."""
        if self.ca_cert is not None:
            files = [self.ca_cert]
        elif self.ca_folder is not None:
            files = sorted(path for path in self.ca_folder.iterdir() if path.is_file())
        else:
            return None
        # Bundles hold names in UTF-8 between certificates. Never empty, which would mean the system's again.
        return "\n".join(["", *(path.read_bytes().decode("ascii", "ignore") for path in files), ""])


def _unusable(option: str, *paths: Path | None) -> InvalidConfiguration:
    message = f"option {option}: {' with '.join(str(path) for path in paths if path)} holds nothing that can be used"
    return InvalidConfiguration(message, hint="a file in PEM form is wanted")
