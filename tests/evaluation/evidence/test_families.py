import numpy as np
import pytest

from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import UsageError
from ichnos.evaluation.evidence.families import FAMILIES, FIRST_SEED, choose_family, to_labelled
from ichnos.training.recipe import list_recipes, load_recipe


@pytest.mark.parametrize("name", FAMILIES)
def test_a_phantom_becomes_a_case_with_the_same_labels(name):
    phantom = choose_family(name).make(FIRST_SEED + 1, 3, 48)
    labelled = to_labelled(name, phantom)
    assert labelled.scan.voxels_hu.shape == (3, 48, 48)
    assert labelled.case.case == f"{name}-{FIRST_SEED + 1}"
    assert labelled.slice_labels[:, 0].tolist() == phantom.slice_labels.astype(int).tolist()
    for number, subtype in enumerate(LABELS[1:], start=1):
        mask = phantom.bleed_masks.get(subtype, np.zeros((3, 48, 48), bool))
        assert labelled.slice_labels[:, number].tolist() == mask.any(axis=(1, 2)).astype(int).tolist()
    assert labelled.bleed_masks == phantom.bleed_masks


def test_no_recipe_trains_on_judged_seeds():
    for name in list_recipes():
        data = load_recipe(name).data
        assert max([0, *data.seeds, *data.test_seeds]) < FIRST_SEED


def test_an_unknown_family_is_named():
    with pytest.raises(UsageError, match="grown"):
        choose_family("grow")
