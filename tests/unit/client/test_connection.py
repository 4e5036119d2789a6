"""Addresses that people type."""

from __future__ import annotations

import pytest

from flamenco_p2p.client.connection import node_url


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("farm:1234", "http://farm:1234"),
        ("farm", "http://farm"),
        (" farm:8080/ ", "http://farm:8080"),
        ("192.168.0.1:8080", "http://192.168.0.1:8080"),
        ("https://farm/x", "https://farm/x"),
    ],
)
def test_an_address_needs_no_scheme(typed: str, url: str) -> None:  # C-103
    assert node_url(typed) == url
