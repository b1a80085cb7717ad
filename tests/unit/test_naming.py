"""Names in a store made from addresses, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.errors import InvalidConfiguration
from syncer.model import Address
from syncer.naming import Template

SEGMENT = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,8}", fullmatch=True)
SCOPES = st.lists(SEGMENT, min_size=1, max_size=3).map(".".join)
REFS = st.lists(SEGMENT, min_size=1, max_size=4).map("/".join)
TEMPLATES = ["{project}/{scope}/{ref}", "/{project}/{scope}/{ref}", "a.b/{scope}/x/{ref}", "{scope}/{ref}-end"]


@given(st.sampled_from(TEMPLATES), SCOPES, REFS)
def test_a_name_leads_back_to_its_address(text: str, scope: str, ref: str) -> None:
    """Whatever the segments."""
    template = Template("name", text, "shop")
    address = Address(scope, ref)
    assert template.address(template.name(address)) == address
    assert template.name(address).startswith(template.prefix(scope))
    assert template.prefix(scope).startswith(template.common_prefix)


@given(st.sampled_from(TEMPLATES), SCOPES, REFS, SCOPES, REFS)
def test_two_addresses_never_share_a_name(text: str, scope: str, ref: str, scope2: str, ref2: str) -> None:
    """Or one would be written over the other."""
    template = Template("name", text, "shop")
    one, two = Address(scope, ref), Address(scope2, ref2)
    assert (template.name(one) == template.name(two)) is (one == two)


@pytest.mark.parametrize("name", ["other/s/r", "shop/s", "shop/s/", "shop//r", "shop/s/r r", "xshop/s/r", "shop/-s/r"])
def test_other_names_have_no_address(name: str) -> None:
    """Another project's, and what no manifest could declare."""
    assert Template("name", TEMPLATES[0], "shop").address(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{ref}",
        "{scope}",
        "{scope}{ref}",
        "{scope}-{ref}",
        "{scope}.{ref}",
        "{ref}/{scope}",
        "{scope}/{ref}/{ref}",
        "{scope}/{ref}/{team}",
        "{scope}/{ref}/{",
        "}{scope}/{ref}",
        "{scope}/{ref}{}",
    ],
)
def test_templates_that_would_mix_addresses_up_are_refused(text: str) -> None:
    """Naming the option."""
    with pytest.raises(InvalidConfiguration, match="option `name`"):
        Template("name", text, "shop")
