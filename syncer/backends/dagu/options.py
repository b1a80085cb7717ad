"""What may stand beside `type: dagu`."""

from __future__ import annotations

from dataclasses import dataclass

from syncer.rest.options import RestOptions, check_url, refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class DaguOptions(RestOptions):
    """Options of a Dagu server."""

    base_path: str = ""
    """Under which path the server is told to be, its `base_path`."""
    api_base_path: str = "/api/v1"
    """Where the API begins below that, its `api_base_path`."""

    def __post_init__(self) -> None:
        """Raise InvalidConfiguration for what cannot be used, never repeating it."""
        RestOptions.__post_init__(self)  # `super()` does not know the class that `slots` makes anew
        for option in ("base_path", "api_base_path"):
            path = getattr(self, option)
            if path and not path.startswith("/"):
                refuse(option, "begins with a slash")
            check_url(f"the URL with option `{option}`", f"http://host{path}")

    def root(self, url: str) -> str:
        """Give where the API begins on the server at `url`."""
        paths = (path.strip("/") for path in (self.base_path, self.api_base_path))
        return "/".join([url, *filter(None, paths)])
