"""A `.gitlab-ci.yml` as GitLab reads it, as far as ours goes; everything else is an error.

https://docs.gitlab.com/ci/yaml/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

GLOBAL = {"stages", "workflow", "variables"}
JOB = {
    *("extends", "image", "stage", "timeout", "before_script", "script", "rules", "variables", "id_tokens"),
    *("artifacts", "interruptible", "environment", "resource_group"),
}
RULE = {"if", "when", "variables"}
PART = re.compile(r"\$(?P<name>\w+)|\"(?P<text>[^\"]*)\"")
NAME = re.compile(r"\$(\w+)")


class UnknownPipelineError(Exception):
    """Something that this reader has not been taught."""


class Loader(yaml.SafeLoader):
    """Knows `!reference`."""


Loader.add_constructor("!reference", lambda loader, node: Reference(*loader.construct_sequence(node)))


@dataclass(frozen=True, slots=True)
class Reference:
    """The lines of another job."""

    job: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a pipeline, everything that it extends put into it."""

    name: str
    script: str
    variables: dict[str, str]
    tokens: dict[str, str]
    """Variables that hold identity tokens, and their audiences."""
    artifacts: dict[str, Any] = field(default_factory=dict)
    environment: str = ""
    manual: bool = False


class Pipelines:
    """What a file says of pipelines."""

    def __init__(self, path: Path) -> None:
        self.document = yaml.load(path.read_text(encoding="utf-8"), Loader)  # noqa: S506  # a SafeLoader with one word more
        for name, job in self.document.items():
            if name not in GLOBAL and not job.keys() <= JOB:
                raise UnknownPipelineError(name, job.keys() - JOB)

    def jobs(self, known: Mapping[str, str]) -> list[Job]:
        """Give the jobs of a pipeline that has these variables; none where there is to be no pipeline."""
        if _matched(self.document["workflow"]["rules"], known) is None:
            return []
        names = [name for name in self.document if name not in GLOBAL and not name.startswith(".")]
        found = [self._job(name, known) for name in names]
        return [job for job in found if job is not None]

    def _job(self, name: str, known: Mapping[str, str]) -> Job | None:
        job = self._whole(name)
        rule = _matched(job["rules"], known)
        if rule is None:
            return None
        given = {**self.document["variables"], **job.get("variables", {}), **rule.get("variables", {})}
        return Job(
            name=name,
            script="\n".join([*self._lines(job.get("before_script", [])), *self._lines(job["script"])]),
            variables={key: NAME.sub(lambda found: known[found[1]], str(text)) for key, text in given.items()},
            tokens={key: told["aud"] for key, told in job.get("id_tokens", {}).items()},
            artifacts=job.get("artifacts", {}),
            environment=job.get("environment", ""),
            manual=rule.get("when") == "manual",
        )

    def _whole(self, name: str) -> dict[str, Any]:
        own = self.document[name]
        extended = own.get("extends", [])
        whole: dict[str, Any] = {}
        for parent in [extended] if isinstance(extended, str) else extended:
            whole = _merged(whole, self._whole(parent))
        return _merged(whole, own)

    def _lines(self, lines: list[Any]) -> list[str]:
        found: list[str] = []
        for line in lines:
            found += self._lines(self.document[line.job][line.key]) if isinstance(line, Reference) else [line]
        return found


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Put mappings into each other; anything else replaces."""
    found = dict(one)
    for key, value in other.items():
        both = isinstance(found.get(key), dict) and isinstance(value, dict)
        found[key] = _merged(found[key], value) if both else value
    return found


def _matched(rules: list[dict[str, Any]], known: Mapping[str, str]) -> dict[str, Any] | None:
    for rule in rules:
        if not rule.keys() <= RULE:
            raise UnknownPipelineError(rule.keys() - RULE)
        if all(_holds(part, known) for part in rule["if"].split(" && ")):
            return rule
    return None


def _holds(text: str, known: Mapping[str, str]) -> bool:
    """Compare two variables or texts; a variable that is not set is none, and equal to no text."""
    parts = text.split(" ")
    found = [PART.fullmatch(part) for part in parts[::2]]
    if len(parts) != 3 or parts[1] not in ("==", "!=") or not all(found):  # two sides and a sign
        raise UnknownPipelineError(text)
    one, other = (known.get(part["name"]) if part["name"] else part["text"] for part in found if part)
    return (one == other) == (parts[1] == "==")
