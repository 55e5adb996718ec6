"""Which addresses are on the public internet, however they are written."""

from __future__ import annotations

import pytest

from providers.addresses import public_address


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "fec0::1",
        "::10.0.0.1",
        "::ffff:10.0.0.1",
        "2002:a00:1::",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "::93.184.216.34",
    ],
)
def test_what_leads_inside_is_not_public(address: str):
    assert not public_address(address)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "2606:4700::6810:84e5", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"],
)
def test_the_internet_is(address: str):
    assert public_address(address)
