import pytest
from pydantic import BaseModel, ValidationError

from ichnos.preprocessing.augmentation import AUGMENTATIONS, Augmentation
from ichnos.training.objectives.view import View


class Setting(BaseModel):
    view: View = AUGMENTATIONS["none"]


def test_a_name_a_table_and_an_object_are_taken():
    assert Setting(view="global-contrastive").view == AUGMENTATIONS["global-contrastive"]
    assert Setting(view={"flip": 0.25}).view == Augmentation(flip=0.25)
    assert Setting(view=AUGMENTATIONS["hgi-sam"]).view == AUGMENTATIONS["hgi-sam"]
    assert Setting().view.flip == 0


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValidationError, match="did you mean 'global-contrastive'"):
        Setting(view="global-contrast")


def test_an_unknown_field_of_a_table_is_refused():
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Setting(view={"flips": 0.25})
