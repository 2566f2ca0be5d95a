from itertools import pairwise

import numpy as np
import pytest
from cohorts.made_stores import one, store_of

from ichnos.cohorts.budgets import make_budgets
from ichnos.errors import UsageError

SUBTYPES = ("subdural", "subdural", "subdural", "epidural", "intraparenchymal")


def some_store(cases=50, healthy=20):
    bleeding = [one(f"b{n:02d}", f"p{n}", set(), {SUBTYPES[n % 5]}, drawn=True) for n in range(cases)]
    return store_of([*bleeding, *(one(f"h{n:02d}", f"q{n}", set(), set()) for n in range(healthy))])


STORE = some_store()


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_budget_holds_the_smaller(seed):
    budgets = make_budgets(STORE, seed)
    assert budgets.sizes == (1, 2, 5, 10, 20, 50)
    chosen = [set(budgets.choose_cases(size)) for size in budgets.sizes]
    for smaller, larger in pairwise(chosen):
        assert smaller < larger


def test_a_budget_counts_scans_that_bleed_and_are_drawn():
    store = store_of(
        [
            one("a", "1", {"subdural"}, drawn=True),
            one("b", "2", {"subdural"}, drawn=False),
            one("c", "3", set(), drawn=True),
            one("d", "4", None, drawn=True),
        ]
    )
    budgets = make_budgets(store, 0, healthy_ratio=0)
    assert budgets.choose_cases(1) == (0,)
    with pytest.raises(UsageError, match=r"^a budget lies from 1 to the 1 scans with masks that bleed; got 2$"):
        budgets.choose_cases(2)


@pytest.mark.parametrize("size", [5, 10, 20])
def test_subtypes_keep_their_share(size):
    chosen = make_budgets(STORE, 1, healthy_ratio=0).choose_cases(size)
    counts = [sum(SUBTYPES[case % 5] == name for case in chosen) for name in ("subdural", "epidural")]
    assert counts == [3 * size // 5, size // 5]


def test_healthy_scans_come_along():
    budgets = make_budgets(STORE, 0, healthy_ratio=0.5)
    chosen = budgets.choose_cases(10)
    assert sum(case >= 50 for case in chosen) == 5
    assert len(make_budgets(STORE, 0, healthy_ratio=1.0).choose_cases(50)) == 70, "as many as there are"
    rows = budgets.choose_rows(STORE, 10)
    assert set(STORE.cases[rows].tolist()) == set(chosen)


def test_no_patient_gives_a_second_scan_before_all_have_given_one():
    store = store_of([one(f"s{n}", f"p{n % 4}", {"epidural"}, drawn=True) for n in range(12)])
    for seed in range(5):
        order = make_budgets(store, seed).bleeding
        assert {case % 4 for case in order[:4]} == {0, 1, 2, 3}
        assert {case % 4 for case in order[4:8]} == {0, 1, 2, 3}


def test_a_patient_who_bleeds_is_not_a_healthy_one():
    store = store_of([one("a", "p", {"epidural"}, drawn=True), one("b", "p", set()), one("c", "q", set())])
    assert make_budgets(store, 0).choose_cases(1) == (0, 2)


def test_only_allowed_rows_are_used():
    allowed = np.flatnonzero(np.isin(STORE.cases, [1, 7, 9, 60]))
    budgets = make_budgets(STORE, 0, rows=allowed)
    assert set(budgets.bleeding) == {1, 7, 9}
    assert budgets.healthy == (60,)


def test_the_order_of_the_store_does_not_matter_and_seeds_do():
    cases = [one(f"b{n:02d}", f"p{n}", {SUBTYPES[n % 5]}, drawn=True) for n in range(30)]
    first, second = store_of(cases), store_of(cases[::-1])
    names = [[store.names[case] for case in make_budgets(store, 3).bleeding] for store in (first, second)]
    assert names[0] == names[1]
    assert len({make_budgets(first, seed).bleeding for seed in range(5)}) == 5


def test_a_store_without_masks_has_no_budgets():
    with pytest.raises(UsageError, match=r"^no scan of the store both bleeds and has masks; budgets count those$"):
        make_budgets(store_of([one("a", "p", {"epidural"})]), 0)
    with pytest.raises(UsageError, match=r"^healthy_ratio must not be negative; got -1$"):
        make_budgets(STORE, 0, healthy_ratio=-1)
