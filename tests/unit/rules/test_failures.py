"""How patient the farm is with failing tasks and workers: exactly as its settings say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flamenco_p2p.rules.failures import Thresholds, Verdict, judge

COUNT = st.integers(1, 9)


def history(workers: int, thresholds: Thresholds = Thresholds()) -> list[str]:  # noqa: B008 -- frozen
    """Return what becomes of one task that every worker fails, one after the other."""
    said = []
    for failed_by in range(1, workers + 1):
        verdict = judge(
            failed_by=failed_by, failed_here=1, others_capable=workers - failed_by,
            thresholds=thresholds,
        )  # fmt: skip
        said.append("job fails" if verdict.fail_job else "hard" if verdict.hard else "soft")
        if verdict.hard:
            break
    return said


@pytest.mark.parametrize(
    ("workers", "said"),
    [
        (1, ["job fails"]),
        (2, ["soft", "job fails"]),
        (3, ["soft", "soft", "job fails"]),
        (4, ["soft", "soft", "hard"]),
        (9, ["soft", "soft", "hard"]),
    ],
)
def test_three_workers_try_before_a_task_is_given_up_if_there_are_three(
    workers: int, said: list[str]
) -> None:
    assert history(workers) == said


def test_a_worker_is_blocked_at_its_third_failed_task_and_not_before() -> None:
    blocked = [
        judge(failed_by=1, failed_here=n, others_capable=5, thresholds=Thresholds()).block
        for n in (1, 2, 3, 4)
    ]
    assert blocked == [False, False, True, True]


def test_thresholds_of_one_mean_no_second_chance() -> None:
    verdict = judge(
        failed_by=1, failed_here=1, others_capable=5, thresholds=Thresholds(tries=1, blocked_at=1)
    )
    assert verdict == Verdict(hard=True, block=True, fail_job=False, tries_left=0)


def test_the_log_can_say_how_many_tries_are_left() -> None:
    many = judge(failed_by=1, failed_here=1, others_capable=9, thresholds=Thresholds())
    few = judge(failed_by=1, failed_here=1, others_capable=1, thresholds=Thresholds())
    assert (many.tries_left, few.tries_left) == (2, 1)


@given(COUNT, COUNT, st.integers(0, 9), COUNT, COUNT)
def test_a_task_is_tried_again_exactly_while_somebody_may_try_it(
    failed_by: int, failed_here: int, others: int, tries: int, blocked_at: int
) -> None:
    verdict = judge(
        failed_by=failed_by, failed_here=failed_here, others_capable=others,
        thresholds=Thresholds(tries=tries, blocked_at=blocked_at),
    )  # fmt: skip
    assert verdict.hard == (verdict.tries_left == 0)
    assert verdict.hard == (others == 0 or failed_by >= tries)
    assert verdict.fail_job == (others == 0)
    assert verdict.tries_left <= others
