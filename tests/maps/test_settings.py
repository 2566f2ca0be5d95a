import subprocess
import sys

import pytest
from pydantic import ValidationError

from ichnos.errors import UsageError
from ichnos.maps.settings import PRESETS, MapSettings, choose_settings, fit_stages


def test_the_reference_differs_from_the_paper_in_what_the_released_code_does() -> None:
    def changed(method: str) -> dict[str, object]:
        paper, reference = (choose_settings(method, preset).model_dump() for preset in ("paper", "reference"))
        return {key: value for key, value in reference.items() if value != paper[key]}

    assert changed("hgi-sam") == {"gradient_of": "logits", "undo_shift": "odd", "min_max_over": "batch"}
    assert changed("swin-sam") == {"undo_shift": "odd", "min_max_over": "batch"}
    assert changed("grad-cam") == {"explain": "predicted"}


def test_every_entry_names_its_method() -> None:
    assert all(settings.method == name for methods in PRESETS.values() for name, settings in methods.items())


@pytest.mark.parametrize(
    ("method", "preset", "message"),
    [
        (
            "hgi_sam",
            "paper",
            r"no method of the preset 'paper' is called 'hgi_sam'; did you mean 'hgi-sam'\? ",
        ),
        ("hgi-sam", "papr", r"no preset of maps is called 'papr'; did you mean 'paper'\? there are: paper, reference$"),
        ("saliency", "reference", r"there are: hgi-sam, swin-sam, grad-cam$"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_and_the_list(method: str, preset: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose_settings(method, preset)


def test_unknown_choices_are_refused() -> None:
    with pytest.raises(ValidationError, match="Input should be 'product' or 'mean'"):
        MapSettings(method="hgi-sam", pairs="sum")
    with pytest.raises(ValidationError, match="Extra inputs"):
        MapSettings.model_validate({"method": "hgi-sam", "stage": 1})


def test_stages_that_are_not_there_are_left_out() -> None:
    hgi_sam = choose_settings("hgi-sam")
    assert fit_stages(hgi_sam, 2).stages == (1, 2)
    assert fit_stages(hgi_sam, 4) == hgi_sam
    assert fit_stages(hgi_sam.model_copy(update={"stages": (3,)}), 2).stages == (3,)
    assert fit_stages(choose_settings("swin-sam"), 2).stages is None


def test_settings_load_no_torch() -> None:
    code = "import sys, ichnos.maps.settings; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
