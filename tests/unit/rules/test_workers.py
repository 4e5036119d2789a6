"""What a worker's status and pending request become: the table in the rule's head, as data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.farm.statuses import WorkerStatus as W
from flamenco_p2p.farm.workers import StatusRequest
from flamenco_p2p.rules.workers import (
    after_report,
    after_sign_off,
    after_wish,
    hands_back,
    resumes,
)

REQUESTS = st.none() | st.builds(StatusRequest, status=st.sampled_from(W), is_lazy=st.booleans())


def asked(status: W | None) -> StatusRequest | None:
    """Return a pending request, or none."""
    return None if status is None else StatusRequest(status=status)


@pytest.mark.parametrize(
    ("reported", "before", "after"),
    [
        (W.AWAKE, None, None),
        (W.ASLEEP, W.ASLEEP, None),
        (W.STARTING, W.ASLEEP, W.ASLEEP),  # on its way: offline, starting, asleep
        (W.AWAKE, W.RESTART, W.RESTART),
    ],
)
def test_a_request_stays_until_the_worker_reports_it(
    reported: W, before: W | None, after: W | None
) -> None:
    assert after_report(reported, asked(before)) == asked(after)


@pytest.mark.parametrize(
    ("was", "before", "after"),
    [
        (W.AWAKE, None, W.AWAKE),
        (W.ASLEEP, None, W.ASLEEP),
        (W.AWAKE, W.OFFLINE, W.AWAKE),
        (W.ASLEEP, W.RESTART, W.ASLEEP),
        (W.AWAKE, W.ASLEEP, W.ASLEEP),
        (W.ASLEEP, W.AWAKE, W.AWAKE),
        (W.STARTING, None, None),
        (W.ERROR, W.OFFLINE, None),
        (W.NEW, None, None),
    ],
)
def test_a_worker_comes_back_as_it_left_or_as_it_was_asked_to(
    was: W, before: W | None, after: W | None
) -> None:
    assert after_sign_off(was, asked(before)) == asked(after)


@given(st.sampled_from(W), REQUESTS)
def test_signing_off_fulfils_what_ends_a_worker(was: W, request: StatusRequest | None) -> None:
    left = after_sign_off(was, request)
    assert left is None or left.status not in (W.OFFLINE, W.RESTART)


@given(st.sampled_from(W), st.sampled_from(W), st.booleans())
def test_asking_for_what_a_worker_is_takes_a_request_back(now: W, wanted: W, lazy: bool) -> None:
    wish = StatusRequest(status=wanted, is_lazy=lazy)
    assert after_wish(now, wish) == (None if now is wanted else wish)


@given(st.sampled_from(W), REQUESTS)
def test_what_a_worker_reports_is_never_asked_of_it_any_more(
    reported: W, request: StatusRequest | None
) -> None:
    left = after_report(reported, request)
    assert left is None or left.status is not reported


def test_only_a_worker_that_is_awake_keeps_its_task() -> None:
    assert [status for status in W if not hands_back(status)] == [W.AWAKE]


@pytest.mark.parametrize(("request_", "told"), [(None, W.AWAKE), (W.ASLEEP, W.ASLEEP)])
def test_a_worker_that_signs_on_is_told_what_to_be(request_: W | None, told: W) -> None:
    assert resumes(asked(request_)) is told
