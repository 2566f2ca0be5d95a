import pytest
from pydantic import ValidationError

from ichnos.maps.settings import choose_settings
from ichnos.segmentation.settings import SegmentationSettings


def test_settings_survive_json() -> None:
    settings = SegmentationSettings(stages=(1, 2), bleed_hu=(40.0, 95.0), minimum_ml=0.2, map_threshold=0.06)
    assert SegmentationSettings.model_validate(settings.model_dump(mode="json")) == settings


@pytest.mark.parametrize(
    "change", [{"map_threshold": 1.1}, {"probability_gate": -0.1}, {"minimum_ml": -1}, {"stages": (0,)}, {"gate": 0.5}]
)
def test_settings_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SegmentationSettings.model_validate(change)


def test_settings_name_the_method() -> None:
    settings = SegmentationSettings(method="swin-sam", preset="reference", stages=(1, 2))
    assert (settings.map_settings.method, settings.map_settings.stages) == ("swin-sam", (1, 2))
    assert settings.map_settings.undo_shift == "odd"
    assert SegmentationSettings().map_settings == choose_settings("hgi-sam")
    assert SegmentationSettings(method="grad-cam").map_settings.stages is None


def test_a_wrong_method_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match=r"is called 'swin-sum'; did you mean 'swin-sam'\?"):
        SegmentationSettings(method="swin-sum")


def test_settings_written_before_segmentation_networks_still_load() -> None:
    stored = {
        "stages": [1, 2, 3],
        "probability_gate": 0.75,
        "map_threshold": 0.01,
        "bleed_hu": [42.0, 110.0],
        "bleed_contrast_hu": 18.0,
        "minimum_ml": 0.5,
    }
    loaded = SegmentationSettings.model_validate(stored)
    assert (loaded.within_brain, loaded.binarisation, loaded.shown_as) == (True, "fixed", ("upright",))
