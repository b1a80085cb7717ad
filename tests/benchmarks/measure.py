"""Whole processes measured from outside: time, CPU and memory, alone or beside another command."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import resource

ROOT = Path(__file__).resolve().parents[2]
RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One finished process, with the children that it waited for."""

    seconds: float
    cpu: float
    """Seconds, in user mode and in the kernel."""
    megabytes: float
    output: str


def install(target: Path, *extras: str) -> Path:
    """Install the wheel, not the checkout: its bytecode is compiled once, as it is for users."""
    venv.create(target, with_pip=True)
    python = target / "bin" / "python"
    what = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    pip = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / ".ci/constraints.txt", what]
    subprocess.run(pip, check=True, env=clean_environment())
    return python


def clean_environment() -> dict[str, str]:
    """Give the environment without what would slow Python or speed it up unfairly."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "SYNCER_"))}


def beside(
    ours: list[object],
    theirs: list[object],
    *,
    folder: Path = ROOT,
    environ: dict[str, str] | None = None,
    runs: int = RUNS,
) -> tuple[list[Run], list[Run]]:
    """Run two commands in turn, so that both see the same machine; the first turn warms up and does not count."""
    environ = environ or clean_environment()
    pairs = [(once(ours, folder, environ), once(theirs, folder, environ)) for _ in range(runs + 1)][1:]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def once(command: list[object], folder: Path, environ: dict[str, str]) -> Run:
    """Run one command to its end and measure it from outside."""
    start = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    with process.stdout as stream:
        output = stream.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{command} failed with {process.returncode}")
    return Run(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime, megabytes=_peak(usage), output=output)


def _peak(usage: resource.struct_rusage) -> float:
    """Give the peak memory in MB; Linux counts it in KiB, macOS in bytes."""
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def report(name: str, ours: list[Run], theirs: list[Run], reference: str, goal: str) -> None:
    """Print medians and the ratio pair by pair."""
    ratio = statistics.median(a.seconds / b.seconds for a, b in zip(ours, theirs, strict=True))
    print(f"{name}: {show(ours)}; {reference}: {show(theirs)}; ratio {ratio:.2f} ({goal})")


def show(runs: list[Run]) -> str:
    """Print the median time and the peak memory."""
    return f"{statistics.median(run.seconds for run in runs):.2f} s, {max(run.megabytes for run in runs):.0f} MB"


def show_cpu(runs: list[Run]) -> str:
    """Print the median time, the median CPU time and the peak memory."""
    return f"{show(runs)}, CPU {cpu(runs):.2f} s"


def cpu(runs: list[Run]) -> float:
    """Give the median CPU seconds."""
    return statistics.median(run.cpu for run in runs)
