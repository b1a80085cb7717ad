"""What is said without a token: annotations, outputs, summaries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from syncer.ci.detect import detect
from syncer.errors import InvalidConfiguration

if TYPE_CHECKING:
    from pathlib import Path

    from syncer.ci.platform import Platform

GITHUB = {"GITHUB_REPOSITORY": "acme/shop"}
GITLAB = {"CI_PROJECT_ID": "7"}


def github(**more: str) -> Platform:
    """Give the platform of some run."""
    return detect({**GITHUB, **more}, "github")


def parsed(text: str) -> dict[str, str]:
    """Read a file of outputs as a runner does."""
    found, lines = {}, text.split("\n")
    while lines and lines[0]:
        name, _, end = lines.pop(0).partition("<<")
        at = lines.index(end)
        found[name], lines = "\n".join(lines[:at]), lines[at + 1 :]
    return found


def test_an_annotation_marks_a_line() -> None:
    """With file, line and column, as far as they are known."""
    given = github().annotate("error", "no such key", file="syncer.yaml", line=3, column=5)
    assert given == "::error file=syncer.yaml,line=3,col=5,title=syncer::no such key"
    assert github().annotate("warning", "text", file="a", column=5) == "::warning file=a,title=syncer::text"
    assert github().annotate("notice", "text", line=3) == "::notice title=syncer::text"


@pytest.mark.parametrize("text", ["\n::add-mask::x", "\r::stop-commands::x", "100%0A::error::x", "\r\n##[add-path]x"])
def test_no_text_starts_another_command(text: str) -> None:
    """A message is one line, whatever is in it, and comes out as it went in."""
    line = github().annotate("error", text, file="a", line=1)
    assert "\n" not in line
    assert "\r" not in line
    message = line.partition("::")[2].partition("::")[2]
    assert message.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%") == text


def test_no_name_of_a_file_ends_its_property() -> None:
    """Colons and commas are spelled out there."""
    line = github().annotate("error", "m", file="a::b,line=9%\n", line=1)
    assert line == "::error file=a%3A%3Ab%2Cline=9%25%0A,line=1,title=syncer::m"


def test_an_annotation_is_nothing_on_gitlab() -> None:
    """It has no such command."""
    assert detect(GITLAB, "gitlab").annotate("error", "m", file="a", line=1) == ""


def test_outputs_are_read_as_they_were_given(tmp_path: Path) -> None:
    """Lines and all; what stands in the file stays."""
    path = tmp_path / "output"
    path.write_text("theirs<<END\nx\nEND\n")
    values = {"changes": "true", "summary": "one\ntwo=<<EOF\n", "plan-path": "", "failure-reason": "::error::"}
    github(GITHUB_OUTPUT=str(path)).outputs(values)
    assert parsed(path.read_text()) == {"theirs": "x", **values}


def test_no_value_ends_its_own_output(tmp_path: Path) -> None:
    """Nobody can know the line that ends it: it is another one each time."""
    path = tmp_path / "output"
    platform = github(GITHUB_OUTPUT=str(path))
    platform.outputs({"summary": "a"})
    end = re.findall(r"<<(\S+)", path.read_text())[0]
    platform.outputs({"summary": f"b\n{end}\nexit-code<<{end}\n0\n{end}"})
    assert parsed(path.read_text())["summary"] == f"b\n{end}\nexit-code<<{end}\n0\n{end}"
    assert "exit-code" not in parsed(path.read_text())


@pytest.mark.parametrize("name", ["", "a\nb", "a<<b", "A", "a=b"])
@pytest.mark.parametrize(("variable", "platform"), [("GITHUB_OUTPUT", "github"), ("SYNCER_OUTPUT_FILE", "gitlab")])
def test_names_of_outputs_are_names(tmp_path: Path, name: str, variable: str, platform: str) -> None:
    """They are ours alone."""
    found = detect({**GITHUB, **GITLAB, variable: str(tmp_path / "output")}, platform)
    with pytest.raises(ValueError, match="no name of an output"):
        found.outputs({name: "x"})


def test_outputs_on_gitlab(tmp_path: Path) -> None:
    """A dotenv report, where the job has named a file for it; it takes no lines."""
    path = tmp_path / "syncer.env"
    platform = detect({**GITLAB, "SYNCER_OUTPUT_FILE": str(path)}, "gitlab")
    platform.outputs({"exit-code": "0", "summary": "one\ntwo\r\nSYNCER_EXIT_CODE=1"})
    assert path.read_text() == "SYNCER_EXIT_CODE=0\nSYNCER_SUMMARY=one two SYNCER_EXIT_CODE=1\n"
    detect(GITLAB, "gitlab").outputs({"exit-code": "0"})
    detect(GITLAB, "gitlab").summarize("text")


def test_a_summary_is_added(tmp_path: Path) -> None:
    """To what other commands of the step have written."""
    path = tmp_path / "summary"
    platform = github(GITHUB_STEP_SUMMARY=str(path))
    platform.summarize("# one")
    platform.summarize("# two")
    assert path.read_text() == "# one\n# two\n"


def test_a_summary_stays_below_the_limit(tmp_path: Path) -> None:
    """GitHub shows none of one that is larger: what does not fit is left out, by lines."""
    path = tmp_path / "summary"
    platform = github(GITHUB_STEP_SUMMARY=str(path))
    for _ in range(3):
        platform.summarize("\u20ac" * 99 + "\n" + "b" * 700_000)
    text = path.read_text()
    assert len(path.read_bytes()) <= 1_048_576
    assert text.count("b" * 700_000) == 1
    assert text.endswith("\n")
    assert set(text) == {"\u20ac", "b", "\n"}


def test_no_file_no_text() -> None:
    """Outside of a runner nothing is named for outputs and summaries."""
    github().outputs({"changes": "true"})
    github().summarize("text")


@pytest.mark.parametrize("variable", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_a_file_that_cannot_be_written(tmp_path: Path, variable: str) -> None:
    """The error names the variable and why."""
    platform = github(**{variable: str(tmp_path)})
    with pytest.raises(InvalidConfiguration, match=f"{variable} names cannot be written: Is a directory"):
        platform.outputs({"changes": "true"}) if variable == "GITHUB_OUTPUT" else platform.summarize("text")
    with pytest.raises(InvalidConfiguration, match="no path"):
        github(GITHUB_OUTPUT="a\0b").outputs({"changes": "true"})
