"""The forms in which values are handed to other programs: name to function, imported on first use."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from syncer.sensitive import Sensitive


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A form of document that another program reads."""

    home: str
    """`module:function` that takes values by ref, and the document's name where it has one; it must do no I/O."""
    name: str | None = None
    """What the document calls itself unless a user says otherwise; None for a form without names."""

    def document(self, values: Mapping[str, Sensitive], name: str | None = None) -> Sensitive:
        """Write values by ref into one document.

        Raise Unsupported that names every ref which that program could not read as it is, InvalidConfiguration for
        a name that cannot be.
        """
        module, _, function = self.home.partition(":")
        write: Callable[..., Sensitive] = getattr(import_module(module), function)
        return write(values) if self.name is None else write(values, name or self.name)


FORMATS: dict[str, Format] = {
    "kestra-env": Format(home="syncer.exchange.kestra:env_file"),
    "kestra-compose": Format(home="syncer.exchange.kestra:compose_file"),
    "kestra-k8s": Format(home="syncer.exchange.kestra:kubernetes_secret", name="kestra-secrets"),
}
"""In the order in which they are listed."""
