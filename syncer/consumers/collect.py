"""Collects every value that a consumer of a scope sees."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from syncer.backends.base import Capability
from syncer.consumers.access import anybody
from syncer.consumers.consume import Found, candidates, chain, check_owner, taken_out
from syncer.engine.readback import read_each
from syncer.engine.refresh import look_again, observe
from syncer.errors import AccessDenied, InvalidConfiguration, NotFound, Unsupported
from syncer.model import Address
from syncer.options import did_you_mean
from syncer.sensitive import Sensitive
from syncer.state.model import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from syncer.backends.base import Backend
    from syncer.consumers.access import Allows
    from syncer.engine.session import Session
    from syncer.errors import SyncerError
    from syncer.model import Observed, Secret


def collect(session: Session, scope: str, only: Collection[str] = ()) -> dict[str, Sensitive]:
    """Give the values that a consumer of the scope sees, by ref: its own, and those of the scopes it falls back to.

    A missing secret falls back, a disabled one does not and is left out; with refs in `only`, that is an error, and no
    other is read. Raise NotFound that names every secret that is nowhere, AccessDenied, Unsupported,
    InvalidConfiguration.
    """
    return {ref: found.value for ref, found in collect_found(session, scope, only).items()}


def collect_found(
    session: Session, scope: str, only: Collection[str] = (), allows: Allows = anybody
) -> dict[str, Found]:
    """Give the values as `collect` does, and say where each was found.

    What is not allowed is left out, not read, and not missed where it is nowhere.
    """
    scopes = chain(session, scope)
    refs = {address.ref for address in session.manifest.secrets if address.scope in scopes}
    declared = {ref for ref in refs if allows(Address(scope, ref))}
    _check_declared(scope, set(only) - declared, declared)
    choices = [list(candidates(session, Address(scope, ref))) for ref in sorted(set(only) or declared)]
    there = present(session, [secret for choice in choices for secret in choice])
    found = [secret for secret in _nearest(session, choices, there) if secret and allows(secret.address)]
    for secret in found:
        check_owner(session, secret, there[secret.address])
    enabled = [secret for secret in found if there[secret.address].enabled]
    _check_enabled(scope, set(only) - {secret.address.ref for secret in enabled})
    return _values(session, enabled)


def _check_declared(scope: str, unknown: Collection[str], declared: Collection[str]) -> None:
    if unknown:
        told = [f"{ref}{did_you_mean(ref, declared)}" for ref in sorted(unknown)]
        message = "\n".join(f"the manifest has no secret for consumers of {scope} that is called {ref}" for ref in told)
        raise InvalidConfiguration(message, hint="`syncer export --help` says what a consumer of a scope sees")


def _check_enabled(scope: str, disabled: Collection[str]) -> None:
    if disabled:
        message = "\n".join(f"{Address(scope, ref)} is disabled" for ref in sorted(disabled))
        raise AccessDenied(message, hint="set `enabled: true` in the manifest and apply")


def present(session: Session, secrets: Iterable[Secret]) -> dict[Address, Observed]:
    """Say what is there now of declared secrets; what is pending deletion is not. Each backend is asked once."""
    wanted: dict[str, set[Address]] = defaultdict(set)
    for secret in secrets:
        wanted[secret.backend].add(secret.address)
    backends = {name: session.backend(name) for name in sorted(wanted)}
    outside = session.surroundings
    observed = observe(backends, wanted, _state(session, backends), outside.retry, outside.parallelism)
    for name, backend in backends.items():
        if backend.listing_lags:  # and a record need not be here to tell: consumers have none
            missing = sorted(wanted[name] - observed[name].keys())
            look_again(backend, missing, observed[name], outside.retry, outside.parallelism)
    return {
        address: seen
        for name, addresses in wanted.items()
        for address in addresses
        if (seen := observed[name].get(address)) is not None and not seen.deleted
    }


def _state(session: Session, backends: Mapping[str, Backend]) -> State:
    """Give the state where it can say what a listing does not show yet; no other consumer needs one."""
    if any(backend.listing_lags for backend in backends.values()):
        return session.state_store.read(authenticate=session.keyring.present)
    return State(project=session.manifest.project)


def _nearest(
    session: Session, choices: Iterable[Sequence[Secret]], there: Mapping[Address, Observed]
) -> list[Secret | None]:
    """Give of each choice the first that is there, None where that one is disabled by not being there."""
    found: list[Secret | None] = []
    missing = []
    for choice in choices:
        first = next((secret for secret in choice if secret.address in there or taken_out(session, secret)), None)
        if first is None and choice[0].enabled:
            missing.append(str(choice[0].address))
        else:  # a disabled one that was never applied is left out as well
            found.append(first if first is not None and first.address in there else None)
    if missing:
        message = f"neither there nor in a scope to fall back to: {', '.join(sorted(missing))}"
        raise NotFound(message, hint="`syncer plan` shows what is missing")
    return found


def _values(session: Session, secrets: Iterable[Secret]) -> dict[str, Found]:
    by_backend: dict[str, list[Address]] = defaultdict(list)
    for secret in secrets:
        by_backend[secret.backend].append(secret.address)
    _check_readable(session, by_backend)
    values: dict[str, Found] = {}
    errors: list[tuple[Address, SyncerError]] = []
    for name, addresses in sorted(by_backend.items()):
        for address, value in read_each(session, session.backend(name), addresses):
            if isinstance(value, Sensitive):
                values[address.ref] = Found(address, value)
            else:
                errors.append((address, value))
    _refuse(errors)
    return dict(sorted(values.items()))


def _check_readable(session: Session, names: Iterable[str]) -> None:
    blind = [name for name in sorted(names) if Capability.READ not in session.backend(name).capabilities]
    if blind:
        raise Unsupported("\n".join(f"backend `{name}` does not give values back" for name in blind))


def _refuse(errors: Sequence[tuple[Address, SyncerError]]) -> None:
    """Raise one error for all that could not be read."""
    if not errors:
        return
    kind = AccessDenied if any(isinstance(error, AccessDenied) for _, error in errors) else NotFound
    told = [f"{address}: {error.message.removeprefix(f'{address}: ')}" for address, error in sorted(errors, key=_place)]
    raise kind("\n".join(told), hint=next((error.hint for _, error in errors if error.hint), None))


def _place(refused: tuple[Address, SyncerError]) -> Address:
    return refused[0]
