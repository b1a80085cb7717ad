"""The functions that programs call; the command line is written on the same ones."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from syncer.engine import saved
from syncer.engine.carry import apply_plan
from syncer.engine.confirm import Confirmed, confirm
from syncer.engine.prepare import Request, make_plan
from syncer.engine.session import Session, Surroundings
from syncer.errors import InvalidConfiguration, StalePlan, StateError
from syncer.manifest.paths import KEY_FILE, kept_paths, resolved
from syncer.plans import Values
from syncer.render.json import plan_document, to_json
from syncer.state.files import replace_file

if TYPE_CHECKING:
    from syncer.model import Manifest
    from syncer.plans import Outcome, Plan


def plan(manifest: Manifest, request: Request | None = None, surroundings: Surroundings | None = None) -> Plan:
    """Compare a manifest with its backends; writes nothing.

    The plan holds resolved values in memory, for an `apply` in the same process. Raise SourceError, BackendError,
    AccessDenied, StateError, InvalidConfiguration.
    """
    with Session(manifest, surroundings) as session:
        return make_plan(session, request or Request())


def apply(
    plan: Plan,
    manifest: Manifest,
    surroundings: Surroundings | None = None,
    *,
    allow_mass_change: bool = False,
    lock_timeout: float = 0.0,
) -> Outcome:
    """Carry out a plan that `plan` made in this process, under the lock.

    Changes that fail are in the outcome. Raise StateLocked after `lock_timeout` seconds, StalePlan, SafetyLimit,
    PlanIncomplete, StateError: nothing was written then.
    """
    if plan.manifest_digest != manifest.digest:
        message = "the plan was made for another manifest"
        raise StalePlan(message, hint="plan again")
    with Session(manifest, surroundings) as session, session.lock("apply", timeout=lock_timeout):
        return apply_plan(session, plan, allow_mass_change=allow_mass_change)


def save_plan(session: Session, plan: Plan, path: Path | str) -> None:
    """Write a plan for a later apply: JSON, 0600, no values, signed with the project key.

    One that skipped values is for show; where there is no key, it is not signed. Raise StateError, and
    InvalidConfiguration where `check_plan_path` does.
    """
    check_plan_path(session.manifest, path)
    document = plan_document(plan)
    if plan.values is Values.RESOLVED or session.keyring.present:
        document = saved.sign(document, session.keyring)
    try:
        replace_file(Path(path), to_json(document).encode())
    except OSError as error:
        message = f"the plan cannot be written to {path}: {error.strerror}"
        raise StateError(message) from None


def check_plan_path(manifest: Manifest, path: Path | str) -> None:
    """Raise InvalidConfiguration for a path where a saved plan would take the place of anything but another one."""
    path = Path(path)
    if str(path) == "-":
        message = "a saved plan goes to a file, and - is none"
        raise InvalidConfiguration(message, hint="`--format json` writes the plan to standard output, unsigned")
    if _is_ours(manifest, path):
        message = f"{path} is where the key, the state and the stores of this project live"
        raise InvalidConfiguration(message, hint="save the plan under another name")
    try:
        found = path.lstat()
    except OSError:
        return  # nothing is there; whether it can be written is found out by writing
    if not stat.S_ISREG(found.st_mode):
        message = f"{path} exists and is not a regular file"
        raise InvalidConfiguration(message, hint="save the plan under another name")
    if found.st_size and not _holds_plan(path):
        message = f"{path} exists and is no saved plan"
        raise InvalidConfiguration(message, hint="save the plan under another name, or remove that file first")


def _is_ours(manifest: Manifest, path: Path) -> bool:
    """Whether it is in the private folder, or is the state, a store, or a file that either keeps beside it."""
    place = Path(resolved(path.parent, path.name))
    if Path(resolved(manifest.folder, KEY_FILE)).parent in place.parents:
        return True
    return any(_beside(kept, place) for kept in kept_paths(manifest))


def _beside(kept: Path, place: Path) -> bool:
    return place.parent == kept.parent and (
        place.name == kept.name or place.name.startswith((f"{kept.name}.", f"{kept.name}-"))
    )


def _holds_plan(path: Path) -> bool:
    try:
        document = json.loads(_read(path))
    except (ValueError, RecursionError, StateError):
        return False
    # Terraform's plans have the first two as well.
    wanted = {"format_version", "resource_changes", "manifest_digest"}
    return isinstance(document, dict) and document.keys() >= wanted


def load_plan(session: Session, path: Path | str) -> saved.SavedPlan:
    """Read a saved plan and check its signature. Raise StateError where it cannot be read, StalePlan."""
    return saved.parse(_read(Path(path)), session.keyring)


def read_plan(session: Session, path: Path | str) -> tuple[saved.Document, bool]:
    """Read a plan to be shown: its document, and whether the project key says that it is ours.

    Without the key nobody can tell, nor of a plan that was never signed. Raise StateError where it cannot be read,
    StalePlan for what is no plan, or was tampered with.
    """
    text = _read(Path(path))
    if session.keyring.present and saved.is_signed(text):
        return saved.parse(text, session.keyring).document, True
    return saved.parse_unauthenticated(text), False


def confirm_plan(session: Session, stored: saved.SavedPlan) -> Plan:
    """Make the saved plan again, with values, and check that it says the same. Raise StalePlan."""
    stored.check_applicable()
    fresh = make_plan(session, stored.request)
    saved.check_still_holds(stored, plan_document(fresh))
    return replace(fresh, selection=stored.request.selection)


def load_reviewed(session: Session, plan: Path | bytes) -> Plan:
    """Read a plan that somebody has reviewed, from a file or from an artifact.

    One with values must bear our signature. One without is only a list of what a reviewer saw: it need not bear any,
    and `confirm_reviewed` believes none of it. Only a signed file can ask for what the manifest does not. Raise
    StateError, and StalePlan for what is no plan of this project.
    """
    text = _read(plan) if isinstance(plan, Path) else plan
    document = saved.parse_unauthenticated(text)
    if document["values"] == Values.RESOLVED:
        saved.check_authentic(document, session.keyring)
    if isinstance(plan, bytes) or document["values"] != Values.RESOLVED:
        _check_asks_nothing(document)
    if document["project"] != session.manifest.project:
        message = f"the plan is for project {document['project']}, and this is {session.manifest.project}"
        raise StalePlan(message, hint="is it the plan of another manifest?")
    return saved.to_plan(document)


def _check_asks_nothing(document: saved.Document) -> None:
    """Raise StalePlan where a plan asks for what no manifest does.

    Who may push any branch can sign one and leave it as the artifact of a reviewed commit, and a reviewer sees another.
    """
    if document["selection"]["rotate"] or document["selection"]["destroy"]:
        message = "the plan asks for rotations or deletions that the manifest does not ask for"
        raise StalePlan(message, hint="raise `rotate: {version: ...}`, or remove what is to go, in a pull request")


def confirm_reviewed(session: Session, reviewed: Plan, *, allow_unchecked: bool = False) -> Confirmed:
    """Make a reviewed plan again, with values, and give what of it is still to be done: for `apply_plan`.

    Unlike `confirm_plan`, other changes may have been applied since. Where the reviewed plan was made without values,
    `allow_unchecked` lets rotations through that it could not show. The caller must hold the lock. Raise StalePlan
    where a reviewed change is not the same any more.
    """
    return confirm(session, reviewed, allow_unchecked=allow_unchecked)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(saved.MAX_BYTES)
    except OSError as error:
        message = f"the saved plan {path} cannot be read: {error.strerror}"
        raise StateError(message) from None
