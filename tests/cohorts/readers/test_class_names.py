import pytest

from ichnos.cohorts.readers.class_names import NAMES, name_class, name_classes
from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import CohortError


def test_every_name_is_ours():
    assert set(NAMES) == set(LABELS)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("EDH", "epidural"),
        ("Extradural Haemorrhage", "epidural"),
        ("subdural_hematoma", "subdural"),
        ("Acute SDH", "subdural"),
        ("SAH", "subarachnoid"),
        ("intraventricular hemorrhages", "intraventricular"),
        ("intracerebral_hemorrhage", "intraparenchymal"),
        ("IPH-bleeding", "intraparenchymal"),
        ("hemorrhage", "any"),
        ("ICH", "any"),
        ("lesion", "any"),
        ("edema", None),
        ("Perihematomal Edema", None),
        ("other", None),
    ],
)
def test_names_of_other_people(name, meaning):
    assert name_class(name) == meaning


def test_the_smallest_region_with_a_subtype_counts():
    regions = {"SDH": [3], "whole": [1, 2, 3], "hemorrhage": [1], "edema": [4], "EDH": [2]}
    assert name_classes(regions, "x") == {1: "any", 2: "epidural", 3: "subdural", 4: None}


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(CohortError, match=r"here: class 'stroke2' is no kind of bleed .* call it one of epidural"):
        name_classes({"stroke2": [1]}, "here")
