"""What differs between HashiCorp Vault and OpenBao, as data; observed on Vault 1.21.4 and OpenBao 2.6.2."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One of the two products."""

    name: str
    version: str
    brand: str
    """What it calls itself in the hint for its command line."""
    command: str
    plugin: str
    """The version of its KV engine."""
    token_prefix: str
    scans: bool
    """Whether it knows SCAN, `detailed-metadata/` and paged LISTs."""
    metadata_cas: bool
    """Whether writes of metadata can be conditional."""
    attributes: bool
    """Whether metadata say who wrote and who deleted."""
    metadata_moves_updated: bool
    """Whether a write of metadata alone moves `updated_time`."""
    mount_types: bool
    """Whether the envelope says `mount_type`."""
    namespaces: bool
    """Whether the free edition has namespaces; the other one ignores the header until a test makes a namespace."""
    bare_first: bool
    """Whether a listing looks for a rule with wildcards by its path without the slash first, and then with it."""
    standby_reads: bool
    """Whether a standby answers reads itself."""
    relative_names: bool
    """Whether `.` and `..` may stand, percent-encoded, in a name."""
    slash_is_no_name: bool
    """Whether `data/` refuses names that end in a slash, and with them LIST."""
    json_string_bytes: int | None
    """The longest JSON string in a request, in bytes as sent: escapes count as written."""
    json_strings: int | None
    """How many strings a request may hold, names of members included."""
    lenient_json: bool
    """Whether a JSON object may name a key twice, and every fault in JSON is the client's: Vault calls some its own."""
    bad_json: str
    warns_on_kv1: bool
    """Whether KV version 1 names the parameters that it ignores."""
    quotes_values: bool
    """Whether an error about a field's type quotes what stood there."""
    default_lease_ttl: int
    """What the description of a mount says, in seconds."""
    unknown_token: str
    no_password: tuple[int, str]
    no_role_id: str


VAULT = Flavour(
    name="vault",
    version="1.21.4",
    brand="Vault",
    command="vault",
    plugin="v0.25.0+builtin",
    token_prefix="hvs.",
    scans=False,
    metadata_cas=False,
    attributes=True,
    metadata_moves_updated=False,
    mount_types=True,
    namespaces=False,
    bare_first=True,
    standby_reads=False,
    relative_names=True,
    slash_is_no_name=True,
    json_string_bytes=1024 * 1024,
    json_strings=None,
    lenient_json=False,
    bad_json="error parsing JSON: failed to parse JSON input",
    warns_on_kv1=False,
    quotes_values=True,
    default_lease_ttl=2764800,
    unknown_token="2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
    no_password=(400, "invalid credentials"),
    no_role_id="failed to determine alias name from login request",
)

OPENBAO = Flavour(
    name="openbao",
    version="2.6.2",
    brand="OpenBao",
    command="bao",
    plugin="v2.6.2+builtin.bao",
    token_prefix="s.",
    scans=True,
    metadata_cas=True,
    attributes=False,
    metadata_moves_updated=True,
    mount_types=False,
    namespaces=True,
    bare_first=False,
    standby_reads=True,
    relative_names=False,
    slash_is_no_name=False,
    json_string_bytes=None,
    json_strings=1000,
    lenient_json=True,
    bad_json="failed to decode JSON input",
    warns_on_kv1=True,
    quotes_values=False,
    default_lease_ttl=0,
    unknown_token="permission denied",
    no_password=(500, "missing password"),
    no_role_id="missing role_id",
)

FLAVOURS = {flavour.name: flavour for flavour in (VAULT, OPENBAO)}
