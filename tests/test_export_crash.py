"""`kill -9` at any moment of an export leaves each file as it was or as it is to be, and no value behind."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from real_runs import Project, child_environment, ended, kill, lives_for, moments

from syncer.cli.folder import INDEX, replace_files
from syncer.cli.out import replace_out
from syncer.exchange.formats import File
from syncer.sensitive import Sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KILLED = -9

STEPS = 120
"""More than an export of these tests has."""

_DRIVER = """
import os, signal, sys
from pathlib import Path
from syncer.cli.folder import replace_files
from syncer.cli.out import replace_out
from syncer.exchange.formats import File
from syncer.sensitive import Sensitive

def act(folder):
    {action}

def watch(event, arguments):
    global left
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_CREAT)
    if writes or event in ("fsync", "os.mkdir", "os.rename", "os.remove", "os.rmdir"):
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

def fsync(descriptor, real=os.fsync):
    watch("fsync", ())
    real(descriptor)

def child(step):
    global left
    left = step
    os.fsync = fsync
    sys.addaudithook(watch)
    act(Path({root!r}) / str(step))
    os._exit(0)

for step in range(1, {steps}):
    if not os.fork():
        child(step)
    status = os.wait()[1]
    if os.waitstatus_to_exitcode(status) == 0:
        print(step)
        break
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL
"""
"""Does something again and again, each time in a folder of its own, until it was not killed before its end.

It kills itself before the first, second, ... step of all that changes a file system or makes that durable.
"""


def killed_at_each_step(root: Path, action: str) -> range:
    """Do something in the folders `1`, `2`, ... of `root`; give the numbers of those in which it was killed."""
    driver = _DRIVER.format(action=action, root=str(root), steps=STEPS)
    ended = subprocess.run([sys.executable, "-c", driver], env=child_environment(), capture_output=True, check=True)
    return range(1, int(ended.stdout))


def put(folder: Path, contents: Mapping[str, str]) -> None:
    """Export files."""
    replace_files(folder, [File(name=name, content=Sensitive(text.encode())) for name, text in contents.items()])


def putting(contents: Mapping[str, str]) -> str:
    """Give the code that does the same."""
    files = ", ".join(f"File(name={name!r}, content=Sensitive({text.encode()!r}))" for name, text in contents.items())
    return f"replace_files(folder, [{files}])"


def contents(folder: Path) -> dict[str, str]:
    """Give what is in the files of a folder, but for the index."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_text() for name, path in found.items() if name != INDEX}


OLD = {"a": "old-a", "gone": "old-gone", "t/b": "old-b", "t/gone": "old-t", "file": "old-file", "dir/x": "old-x"}
NEW = {"a": "new-a", "t/b": "new-b", "n/c": "new-c", "file/y": "new-y", "dir": "new-dir"}
FOREIGN = {"mine": "mine", "t/mine": "mine"}


@pytest.mark.parametrize("then", ["the-same", "another"])
def test_a_folder_at_every_step(tmp_path: Path, then: str) -> None:
    """Each file is old, new or not there; foreign ones stay; whatever comes next is all that is there then."""
    for step in range(1, STEPS):
        put(tmp_path / str(step), OLD)
        for name, text in FOREIGN.items():
            (tmp_path / str(step) / name).write_text(text)
    steps = killed_at_each_step(tmp_path, putting(NEW))
    assert len(steps) > 30
    for folder in (tmp_path / str(step) for step in steps):
        found = {name: text for name, text in contents(folder).items() if not name.startswith(f"{INDEX}.tmp/")}
        assert {name: found.pop(name, None) for name in FOREIGN} == FOREIGN
        assert all(text in (OLD.get(name), NEW.get(name)) for name, text in found.items())
        assert found.keys() >= OLD.keys() & NEW.keys()
        last = NEW if then == "the-same" else {"other": "other"}
        put(folder, last)
        assert contents(folder) == last | FOREIGN


def test_a_first_folder_at_every_step(tmp_path: Path) -> None:
    """An export that was the first one is no stranger to the next."""
    steps = killed_at_each_step(tmp_path, putting(NEW))
    assert len(steps) > 20
    for folder in (tmp_path / str(step) for step in steps):
        put(folder, OLD)
        assert contents(folder) == OLD


def test_a_file_at_every_step(tmp_path: Path) -> None:
    """The old one or the new one is there, whole; the next export of it removes the draft, and nothing else."""
    others = {"x.env.mine.tmp": "mine", "y.env.0123abcd.tmp": "draft of another"}
    for step in range(1, STEPS):
        (tmp_path / str(step)).mkdir()
        for name, text in {"x.env": "old", **others}.items():
            (tmp_path / str(step) / name).write_text(text)
    steps = killed_at_each_step(tmp_path, "replace_out(folder / 'x.env', Sensitive(b'new'))")
    assert len(steps) > 3
    left = 0
    for folder in (tmp_path / str(step) for step in steps):
        found = contents(folder)
        assert found["x.env"] in ("old", "new")
        left += len(found) - 1 - len(others)
        replace_out(folder / "x.env", Sensitive(b"next"))
        assert contents(folder) == {"x.env": "next", **others}
    assert left


@pytest.mark.parametrize("form", ["json", "files"])
def test_a_killed_run(tmp_path: Path, form: str) -> None:
    """Six kills at random moments of the command: the same holds."""
    project = Project(folder=tmp_path, envs=40)
    project.write()
    project.apply().expect(0)
    command = ["export", "--scope", "env", "--format", form, "--out", str(tmp_path / "out")]
    project.run(*command).expect(0)
    begin = time.perf_counter()
    ended(project.start(*command)).expect(0)
    whole = time.perf_counter() - begin
    project.turn += 1
    project.apply().expect(0)
    for fraction in moments(6, 21):
        process = project.start(*command)
        lives_for(process, (0.4 + 0.6 * fraction) * whole)
        kill(process).expect(0, KILLED)
        _check(tmp_path / "out", project.turn)
    project.run(*command).expect(0)
    _check(tmp_path / "out", project.turn, latest=True)
    assert {path.name for path in tmp_path.iterdir()} == {".syncer", "out", "syncer.yaml"}


def _check(out: Path, turn: int, *, latest: bool = False) -> None:
    """Check that every value is there, of this turn or of the one before."""
    if out.is_file():
        texts = json.loads(out.read_text())
    else:
        texts = {name: text for name, text in contents(out).items() if not name.startswith(f"{INDEX}.tmp/")}
    allowed = [turn] if latest else [turn, turn - 1]
    assert len(texts) == 40
    for name, text in texts.items():
        assert text in [f"value-{name}-{number}" for number in allowed]
