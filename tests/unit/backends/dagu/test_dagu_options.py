"""What may stand beside `type: dagu`: every fault is told, and nothing that stood there is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from syncer.backends.dagu.backend import Dagu
from syncer.errors import InvalidConfiguration
from syncer.testing.base import assert_no_leak, context

if TYPE_CHECKING:
    from pathlib import Path

    from dagu_bench import Bench

URL = "https://dagu.test:8080"
TYPED = "dagu_typed-by-mistake"


def opened(folder: Path, **options: Any) -> Dagu:
    """Open one that is never used, so that it need not be closed."""
    return Dagu.open({"url": URL, **options}, context(folder, "shop", environ={}))


@pytest.mark.parametrize(
    ("options", "root"),
    [
        ({}, f"{URL}/api/v1"),
        ({"url": f"{URL}/"}, f"{URL}/api/v1"),
        ({"url": f"{URL}/behind/a/proxy"}, f"{URL}/behind/a/proxy/api/v1"),
        ({"base_path": "/dagu"}, f"{URL}/dagu/api/v1"),
        ({"base_path": "/tools/dagu/"}, f"{URL}/tools/dagu/api/v1"),
        ({"base_path": "/"}, f"{URL}/api/v1"),
        ({"api_base_path": "/x/api"}, f"{URL}/x/api"),
        ({"base_path": "/dagu", "api_base_path": "/x/api/"}, f"{URL}/dagu/x/api"),
        ({"api_base_path": "/"}, URL),
        ({"api_base_path": ""}, URL),
    ],
    ids=str,
)
def test_where_the_api_begins(tmp_path: Path, options: dict[str, str], root: str) -> None:
    """Below the URL, the server's base path and the API's, with one slash between them; that is the place, too."""
    assert opened(tmp_path, **options).place == root


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"url": TYPED}, "option `url` must be an http or https URL"),
        ({"base_path": TYPED}, "option `base_path` begins with a slash"),
        ({"api_base_path": TYPED}, "option `api_base_path` begins with a slash"),
        ({"base_path": f"/a?{TYPED}"}, "the URL with option `base_path` must be an http or https URL"),
        ({"api_base_path": f"/a#{TYPED}"}, "the URL with option `api_base_path` must be an http or https URL"),
        ({"base_path": f"/a b{TYPED}"}, "the URL with option `base_path` must be an http or https URL"),
        ({"base_path": ["/a"]}, "option `base_path` must be a string"),
        ({"basepath": TYPED}, "unknown option `basepath`, did you mean `base_path`"),
        ({"token": TYPED}, "option `token` must be a mapping"),
        ({"token": {"env": "T"}, "username": "u", "password": {"env": "P"}}, "option `token` goes without"),
        ({"username": "u"}, "option `username` goes with `password`"),
        ({"password": TYPED}, "option `password` must be a mapping"),
        ({"timeout": TYPED}, "option `timeout` is no duration"),
    ],
    ids=str,
)
def test_what_cannot_work(tmp_path: Path, options: dict[str, Any], why: str) -> None:
    """It is refused when the backend is opened."""
    with pytest.raises(InvalidConfiguration) as caught:
        opened(tmp_path, **options)
    assert why in caught.value.message
    assert_no_leak(TYPED.encode(), caught.value)


def test_opening_asks_nobody(bench: Bench) -> None:
    """The server is asked with the first call; a backend that made none can be closed."""
    bench.open(token={"env": "NOT_SET"}).close()
    assert bench.calls() == []
