"""The runner itself: what it does as GitHub does it, and what it refuses because it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from actions import documents
from actions.machine import Machine, pairs
from actions.runner import granted

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOW = """\
name: w
on:
  push: {branches: [main]}
permissions: {}
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - run: "true"
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("permissions: {}\n", "permissions: {}\ndefaults: {}\n"),
        ("    runs-on", "    needs: two\n    runs-on"),
        ('run: "true"', 'run: "true"\n        continue-on-error: true'),
        ("push: {branches: [main]}", "push: {paths: [a]}"),
        ("push: {branches: [main]}", "pull_request_target:"),
    ],
)
def test_what_a_workflow_says_and_nobody_heeds_is_an_error(old: str, new: str, tmp_path: Path) -> None:
    """It would do something on GitHub."""
    path = tmp_path / "w.yml"
    path.write_text(WORKFLOW)
    assert documents.workflow(path).jobs["one"].permissions == {}
    path.write_text(WORKFLOW.replace(old, new))
    with pytest.raises(documents.UnknownKeyError):
        documents.workflow(path)


def test_a_workflow_must_say_what_its_jobs_may(tmp_path: Path) -> None:
    """Without that, it is a setting of the repository."""
    path = tmp_path / "w.yml"
    path.write_text(WORKFLOW.replace("permissions: {}\n", ""))
    with pytest.raises(AssertionError, match="says nothing of its permissions"):
        documents.workflow(path)


def test_a_run_from_outside_may_read_at_most() -> None:
    """And is nobody to the cloud."""
    wanted = {"contents": "write", "actions": "read", "id-token": "write", "issues": "none"}
    assert granted(wanted, outside=False) == wanted
    assert granted(wanted, outside=True) == {"contents": "read", "actions": "read", "issues": "none"}


def test_a_script_stops_at_the_first_error_and_tells_the_runner(tmp_path: Path) -> None:
    """In a pipe, too; what it wrote before counts."""
    machine = Machine(folder=tmp_path / "machine", secrets={"hunter2"})
    script = (
        'echo "a=1" >> "$GITHUB_OUTPUT"; echo hunter2; echo "# told" >> "$GITHUB_STEP_SUMMARY"\nfalse | true\necho no'
    )
    ended = machine.run(script, machine.base())
    assert (ended.code, ended.raw, ended.output, ended.summary) == (1, "hunter2\n", {"a": "1"}, "# told\n")
    assert machine.masked(ended.raw) == "***\n"


def test_outputs_of_many_lines_end_where_they_say() -> None:
    """A value cannot set another output."""
    assert pairs("a=1=2\nb<<END\nc=3\n\nEND2\nEND\nd=\n") == {"a": "1=2", "b": "c=3\n\nEND2", "d": ""}
    for text in ("b<<END\nc", "nothing"):
        with pytest.raises(AssertionError):
            pairs(text)
