"""What the house has promised itself, counted. Raising a number here is a decision to be seen in review."""

from __future__ import annotations

import ast
import io
import re
import statistics
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.folder import environment

from syncer.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "syncer"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

EXTRAS = sorted(PROJECT["project"]["optional-dependencies"].keys() - {"all", "dev"})
"""What users install beside the tool: for a backend, by the names in the registry, and for what serves."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


def name_of(path: Path) -> str:
    """Give the path inside the package."""
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """Parse a module, once."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Give every node of a module."""
    return tuple(ast.walk(tree(path)))


def calls(method: str) -> Counter[str]:
    """Count the calls of an attribute of that name, by module."""
    return Counter(
        name_of(path)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Attribute) and node.attr == method
    )


def words(word: str) -> Counter[str]:
    """Count a name, by module; neither strings nor comments."""
    return Counter(
        name_of(path) for path in MODULES for node in nodes(path) if isinstance(node, ast.Name) and node.id == word
    )


def comments(mark: str) -> Counter[str]:
    """Count the comments that hold a mark, by module."""
    found: Counter[str] = Counter()
    for path in MODULES:
        tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        found[name_of(path)] += sum(token.type == tokenize.COMMENT and mark in token.string for token in tokens)
    return +found


def caught(name: str) -> Counter[str]:
    """Count the handlers that catch a class, by module; `bare` for those that name none."""
    found: Counter[str] = Counter()
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, ast.ExceptHandler):
                named = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else {"bare"}
                found[name_of(path)] += name in named
    return +found


def functions() -> Iterator[tuple[str, Function]]:
    """Give every function and method with the place where it stands."""
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, Function):
                yield f"{name_of(path)}:{node.name}", node


def depth(node: ast.AST) -> int:
    """Count the blocks inside each other; `elif` is no deeper than its `if`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*Function.__args__, ast.ClassDef, ast.Lambda)):
            continue
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, depth(child) + (isinstance(child, BLOCKS) and not chained))
    return deepest


def test_values_are_revealed_at_the_border_only() -> None:
    """Backends, sources, the files of other programs and the cipher do; the command line where it is asked to write."""
    found = calls("reveal")
    outside = {name: n for name, n in found.items() if not name.startswith(("backends/", "sources/", "exchange/"))}
    # To a server we show a token, or a user's name and password; its URL may come from a source, as they do.
    rest = {"rest/client.py": 2, "rest/options.py": 1}
    # Whoever asks us shows a token, and gets what he asked for.
    rest |= {"serving/app.py": 1, "serving/door.py": 1}
    # A platform is shown a token, too.
    rest |= {"ci/token.py": 1}
    assert outside == {"crypto.py": 3, "cli/console.py": 1, "cli/folder.py": 1, "cli/out.py": 1, **rest}


def test_only_the_console_writes() -> None:
    """Nothing prints, and nothing but the command line knows a standard stream."""
    assert not words("print") + words("input") + words("breakpoint")
    streams = Counter[str]()
    for attribute in ("stdout", "stderr", "stdin", "__stdout__", "__stderr__"):
        for path in MODULES:
            for node in nodes(path):
                of_sys = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys"
                streams[name_of(path)] += of_sys and node.attr == attribute
    assert {name.partition("/")[0] for name in +(streams + calls("echo") + calls("secho"))} == {"cli"}


def test_only_retry_sleeps() -> None:
    """Everything else waits for its turn there, or for an event."""
    assert set(calls("sleep")) == {"retry.py"}
    assert all("from time import" not in path.read_text(encoding="utf-8") for path in MODULES)


def test_errors_are_caught_by_name() -> None:
    """One last net; two places that put something back and raise again."""
    assert caught("Exception") == {"cli/__init__.py": 1}
    assert caught("BaseException") == {"backends/local/store.py": 1, "state/lock.py": 1}
    assert not caught("bare")


@pytest.mark.parametrize(
    ("mark", "budget"),
    [("pragma: no cover", 0), ("type: ignore", 6), ("noqa", 89), ("TODO", 0), ("FIXME", 0), ("XXX", 0)],
)
def test_exceptions_to_the_rules(mark: str, budget: int) -> None:
    """Each is paid for."""
    assert sum(comments(mark).values()) <= budget


def test_every_exception_gives_its_reason() -> None:
    """A second comment, or words after the code; several on one import line share the first one's."""
    for path in MODULES:
        told = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            mark = re.search(r"# (noqa|type: ignore)\S*(: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)*)?(?P<why>.*)", line)
            if mark and not mark["why"].strip(" #"):
                lazy_import = "PLC0415" in line or "ARG002" in line
                assert lazy_import and told, f"{name_of(path)}: {line.strip()}"  # noqa: PT018  # one fact
            told = told or (mark["why"] if mark else "")


def test_untyped_data_stays_at_the_border() -> None:
    """`Any` is for what YAML, JSON, SQLite, click and SDKs hand us."""
    assert sum(words("Any").values()) <= 121
    assert not set(words("Any")) & {f"engine/{name}.py" for name in ("planner", "compare", "facts", "removal", "apply")}


def test_modules_are_short() -> None:
    """At most 400 lines."""
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name for name, length in lengths.items() if length > 400} == set()


def test_functions_are_short() -> None:
    """A median of about six lines, nine in ten under 25, none over 60."""
    lengths = {where: node.end_lineno - node.lineno + 1 for where, node in functions() if node.end_lineno}
    assert {where for where, length in lengths.items() if length > 60} == set()
    assert statistics.median(lengths.values()) <= 7
    assert statistics.quantiles(lengths.values(), n=10)[-1] < 25


def test_functions_are_shallow() -> None:
    """At most three blocks inside each other."""
    deep = {where: depth(node) for where, node in functions() if depth(node) > 3}
    assert set(deep.values()) <= {4}
    assert len(deep) <= 4, deep


def test_everything_public_is_documented() -> None:
    """Modules, classes, functions and methods; the first line is a sentence, or a noun for a module."""
    for path in MODULES:
        assert ast.get_docstring(tree(path)), name_of(path)
        for node in nodes(path):
            for inner in _members(node):
                docstring = ast.get_docstring(inner)
                assert docstring, f"{name_of(path)}:{inner.name}"
                assert docstring.splitlines()[0].endswith((".", ":", "?")), f"{name_of(path)}:{inner.name}"


def _members(node: ast.AST) -> list[Function | ast.ClassDef]:
    if not isinstance(node, ast.Module | ast.ClassDef) or getattr(node, "name", "").startswith("_"):
        return []
    kinds = (*Function.__args__, ast.ClassDef)
    return [child for child in node.body if isinstance(child, kinds) and not child.name.startswith("_")]


def test_imports_go_one_way() -> None:
    """The contracts of import-linter in pyproject.toml hold."""
    pytest.importorskip("importlinter")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout.decode()
    assert b"2 kept, 0 broken" in ended.stdout


def test_every_backend_and_source_stands_in_the_independence_contract() -> None:
    """A new one is not forgotten there."""
    independent = set(PROJECT["tool"]["importlinter"]["contracts"][1]["modules"])
    for kind in ("backends", "sources"):
        found = {entry.stem for entry in (PACKAGE / kind).iterdir() if not entry.name.startswith(("_", "base."))}
        assert {f"syncer.{kind}.{name}" for name in found} <= independent


PURE = ("planner", "compare", "facts", "removal")


@pytest.mark.parametrize("name", PURE)
def test_the_diff_is_pure(name: str) -> None:
    """No file, clock, chance or process: not imported, not by another name, not called."""
    module = tree(PACKAGE / f"engine/{name}.py")
    imported = {
        alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
        for node in ast.walk(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not {name.partition(".")[0] for name in imported} - {"__future__", "dataclasses", "typing", "collections", "datetime", "syncer"}  # fmt: skip  # noqa: E501
    ours = {name.rpartition(".")[0] for name in imported if name.startswith("syncer")}
    assert ours <= {
        "syncer.backends.base",
        "syncer.engine",
        *(f"syncer.engine.{pure}" for pure in PURE),
        "syncer.model",
        "syncer.plans",
        "syncer.state.model",
    }
    called = {node.func.attr for node in ast.walk(module) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}  # fmt: skip  # noqa: E501
    assert not called & {"now", "today", "utcnow", "open", "getenv", "time", "reveal"}


def test_no_backend_is_named_outside_its_file() -> None:
    """The core asks for capabilities. Only the registry maps names."""
    for path in MODULES:
        if name_of(path) == "registry.py":
            continue
        texts = {node.value for node in nodes(path) if isinstance(node, ast.Constant)}
        for backend, (target, _) in BACKENDS.items():
            if not f"syncer.{name_of(path).replace('/', '.')}".startswith(target.partition(":")[0]):
                assert backend not in texts, f"{name_of(path)} names the backend {backend}"


def test_dependencies_are_what_is_imported() -> None:
    """Nothing is imported that is not declared, and nothing declared that is not imported."""
    imported = {name for path in MODULES for name in _top_level(path)} - set(sys.stdlib_module_names) - {"syncer"}
    known = packages_distributions()
    used = {_normal(known[name][0]) for name in imported - {"pytest"}}
    extras = PROJECT["project"]["optional-dependencies"]
    declared = [*PROJECT["project"]["dependencies"], *(entry for name in EXTRAS for entry in extras[name])]
    assert used == {_normal(re.split(r"[<>=!~\[; ]", entry)[0]) for entry in declared}
    assert extras["all"] == [f"syncer[{','.join(EXTRAS)}]"]
    assert "pytest" not in {name for path in MODULES if "testing" not in path.parts for name in _top_level(path)}


def _top_level(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
