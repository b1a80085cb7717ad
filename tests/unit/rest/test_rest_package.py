"""What is needed to speak REST, and what is said where it is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from cli.folder import environment

BLOCKED = "import sys; sys.modules['httpx'] = None\n"


def python(code: str) -> str:
    """Run code in an interpreter of its own, every warning an error, and give what it prints."""
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, env=environment(), capture_output=True, check=True, text=True)
    assert ended.stderr == ""
    return ended.stdout.strip()


@pytest.mark.parametrize("name", ["dagu", "kestra"])
def test_a_package_that_is_not_installed(name: str) -> None:
    """The hint is the line to type."""
    code = f"""
from syncer.errors import InvalidConfiguration
from syncer.registry import backend_class
try:
    backend_class({name!r})
except InvalidConfiguration as error:
    print(error.message, error.hint, error.__cause__, sep="|")
"""
    assert (
        python(BLOCKED + code)
        == f"backend type {name} needs the package `httpx`|in the repository of syncer: pip install '.[{name}]'|None"
    )


def test_others_do_not_need_it() -> None:
    """What TLS and options are is known without it."""
    code = "import syncer.rest.tls, syncer.rest.options, syncer.rest.messages, syncer.rest.failures; print('fine')"
    assert python(BLOCKED + code) == "fine"


def test_it_is_loaded_where_it_is_used() -> None:
    """Nobody waits for it who has no such store."""
    code = "import syncer.registry, sys; syncer.registry.backend_class('vault'); print('httpx' in sys.modules)"
    assert python(code) == "False"


LIFE = """
import gc, tempfile, sys
from pathlib import Path
sys.path[:0] = [PATHS]
from conformance.fakes.loopback import running
from rest_bench import READ, Acme, Scripted
from syncer.errors import SyncerError
from syncer.rest.client import Client
from syncer.testing.base import context

told = context(Path(tempfile.gettempdir()), "shop")

def client(url):
    return Client(Acme.open({"url": url}, told), url)

unused = client("https://acme.test")
unused.close()
unused.close()
with running(Scripted()) as url:
    used = client(url)
    used.call(READ)
    used.close()
    used.close()
lost = client(url)
try:
    lost.call(READ)
except SyncerError as error:
    print(error.message.rpartition("(")[2])
lost.close()
del unused, used, lost
gc.collect()
"""


def test_no_socket_is_left() -> None:
    """By a client that was closed, used or not, and whether its server was there or not."""
    from pathlib import Path

    here = Path(__file__).parent
    paths = f"{str(here)!r}, {str(here.parent.parent)!r}"
    assert python(LIFE.replace("PATHS", paths)) == "connection refused)"
