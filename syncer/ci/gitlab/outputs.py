"""Variables for the jobs that follow, as a report of type dotenv hands them on.

https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "SYNCER_OUTPUT_FILE"
"""Names the file; the job then lists it under `artifacts:reports:dotenv`."""
_NAME = re.compile(r"[a-z][a-z0-9-]*")


def lines(values: Mapping[str, str]) -> str:
    """Give a line for each: `exit-code` becomes SYNCER_EXIT_CODE. GitLab takes no value of several lines."""
    return "".join(_line(name, value) for name, value in values.items())


def _line(name: str, value: str) -> str:
    if not _NAME.fullmatch(name):
        message = f"no name of an output: {name!r}"
        raise ValueError(message)
    return f"SYNCER_{name.replace('-', '_').upper()}={' '.join(value.splitlines())}\n"
