import pytest
from cohorts.made_stores import one, store_of

from ichnos.cohorts.case_labels import find_drawn, label_cases
from ichnos.cohorts.slice_store import LABELS


def labels_of(case):
    return dict(zip(LABELS, label_cases(store_of([case]))[0].tolist(), strict=True))


@pytest.mark.parametrize(
    ("slices", "scan_labels", "expected"),
    [
        ([set(), {"subdural"}], {}, {"any": 1, "subdural": 1, "epidural": 0}),
        ([set(), set()], {}, {"any": 0, "subdural": 0}),
        ([set(), None], {}, {"any": -1, "subdural": -1}),
        ([{"subdural"}, None], {}, {"any": 1, "subdural": 1, "epidural": -1}),
        ([None, None], {"any": True, "epidural": False}, {"any": 1, "epidural": 0, "subdural": -1}),
        ([{"epidural"}], {"epidural": False}, {"any": 1, "epidural": 1}),
        ([set()], {"any": True}, {"any": 1}),
    ],
)
def test_a_scan_has_what_a_slice_has_or_what_it_is_told_to_have(slices, scan_labels, expected):
    found = labels_of(one("a", "p", *slices, record={"scan_labels": scan_labels}))
    assert {name: found[name] for name in expected} == expected


def test_a_scan_is_drawn_if_all_its_slices_are():
    store = store_of([one("a", "p", set(), set(), drawn=True), one("b", "q", set(), drawn=False)])
    assert find_drawn(store).tolist() == [True, False]
