"""A node's stream of events, cut at any place."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.client.errors import StrangeAnswer
from flamenco_p2p.client.server_events import EventReader

STREAM = (
    b"retry: 1000\n: hello\n\n"
    b'event: /jobs\ndata: {"id": "j"}\n\n'
    b": still here\n\n"
    b'event: /workers\r\ndata: {"name":\r\ndata:  "m\xc3\xbcller"}\r\n\r\n'
    b'data: {"unnamed": true}\n\n'
    b'event: /jobs\ndata: {"cut": '
)
EVENTS = [("/jobs", {"id": "j"}), ("/workers", {"name": "müller"}), ("message", {"unnamed": True})]


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_events_do_not_depend_on_where_the_network_cuts_them(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    reader = EventReader("http://node")
    chunks = (STREAM[a:b] for a, b in pairwise(places))
    assert [event for chunk in chunks for event in reader.feed(chunk)] == EVENTS


def test_what_is_not_json_is_said_to_be_strange() -> None:
    with pytest.raises(StrangeAnswer):
        EventReader("http://node").feed(b"data: <html>\n\n")
