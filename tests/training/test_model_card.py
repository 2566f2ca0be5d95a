from dataclasses import replace

import pytest
from tiny import SWIN

from ichnos.models.checkpoint import Checkpoint
from ichnos.models.create import create_model
from ichnos.runtime.provenance import RESEARCH_USE
from ichnos.training.model_card import write_card


@pytest.fixture(scope="module")
def checkpoint():
    return Checkpoint(
        network={"name": "swin", "arguments": SWIN},
        preprocessing={},
        segmentation={"probability_gate": 0.5, "map_threshold": 0.23},
        labels=("no bleed", "bleed"),
        training={"data": "8 phantoms; no patient data", "labels": "one a slice", "data_licence": "none needed"},
        model=create_model("swin", SWIN),
    )


def test_it_opens_with_what_the_hub_reads(checkpoint):
    lines = write_card(checkpoint, "tiny", {}).splitlines()
    assert lines[0] == "---"
    assert "license: apache-2.0" in lines[: lines.index("---", 1)]
    assert lines[lines.index("---", 1) + 1] == "# tiny"


def test_it_says_what_the_model_is_and_is_not_for(checkpoint):
    card = write_card(checkpoint, "tiny", {})
    count = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    assert f"({count:,} parameters, 32 pixels)" in card
    assert RESEARCH_USE in card
    assert "never seen a patient" in card
    for said in ("8 phantoms", "one a slice", "none needed", "Map threshold 0.23"):
        assert said in card


def test_figures_stand_in_a_table(checkpoint):
    card = write_card(checkpoint, "tiny", {"mean_dice": 0.123456, "slices": 384, "slice_roc_auc": float("nan")})
    assert "|---|---|\n| mean dice | 0.1235 |\n| slices | 384 |\n| slice roc auc | nan |\n" in card


@pytest.mark.parametrize(
    ("data", "is_told"),
    [
        ({"settings": {"features": {"dura": 0.4}}, "test_settings": {"features": {}}}, True),
        ({"settings": {"features": {"dura": 0.4}}, "test_settings": {"features": {"dura": 1.0}}}, False),
        ({"settings": {"features": {}}, "test_settings": {"features": {}}}, False),
        ({"settings": None, "test_settings": None}, False),
    ],
)
def test_plainer_test_phantoms_are_told(checkpoint, data, is_told):
    card = write_card(replace(checkpoint, training={**checkpoint.training, "recipe": {"data": data}}), "m", {"n": 1.0})
    assert ("figures too good" in card) == is_told


def test_a_pretext_network_says_what_to_do_next(checkpoint):
    told = {**checkpoint.training, "objective": "context-restoration", "trained_parts": ["encoder"]}
    card = write_card(replace(checkpoint, labels=(), training=told), "tiny", {})
    assert "**It cannot segment.**" in card
    assert "section `start` of a recipe" in card
    assert "(parts: encoder)" in card
    assert "threshold" not in card


def test_a_model_of_patients_does_not_claim_phantoms(checkpoint):
    told = {**checkpoint.training, "data": "store rsna"}
    card = write_card(replace(checkpoint, training=told), "tiny", {})
    assert "never seen a patient" not in card
    assert "phantoms" not in card
    assert "license: other" in card, "the data's licence may bind the weights"


def test_thresholds_that_were_chosen_are_told_from_those_of_the_recipe(checkpoint):
    told = {**checkpoint.training, "calibration": {"probability_gate": 0.5}}
    card = write_card(replace(checkpoint, training=told), "tiny", {})
    assert "Gate 0.5, chosen on validation cases" in card
    assert "Map threshold 0.23, from the recipe" in card


def test_the_method_of_the_maps_is_the_checkpoints_own(checkpoint):
    assert "by HGI-SAM (Rasoulian" in write_card(checkpoint, "tiny", {})
    sam = replace(checkpoint, segmentation={**checkpoint.segmentation, "method": "swin-sam"})
    assert "by Swin-SAM (Rasoulian" in write_card(sam, "tiny", {})
    assert "HGI" not in write_card(sam, "tiny", {})


def test_a_network_of_pixels_talks_of_no_classifier():
    arguments = {"width": 4}
    made = Checkpoint(
        network={"name": "unet", "arguments": arguments},
        preprocessing={"image_size": 32},
        segmentation={"probability_gate": 0.0, "map_threshold": 0.5},
        labels=("bleed",),
        training={"data": "store a", "labels": "masks of 3 scans", "data_licence": "that of the store's collection"},
        model=create_model("unet", arguments),
    )
    card = write_card(made, "tiny", {"mean_dice": 0.5})
    assert "32 pixels) that says of each pixel" in card
    assert "A pixel is blood from probability 0.5 on; no gate of slices." in card
    for foreign in ("Swin", "HGI", "SAM", "weakly", "Maps", "slice holds a bleed"):
        assert foreign not in card


def test_a_model_that_began_with_one_of_patients_has_seen_them(checkpoint):
    first = {"checkpoint": "sam", "data": "store rsna", "labels": "labels per slice", "data_licence": "non-commercial"}
    second = {"checkpoint": "mid", "data": "4 phantoms; no patient data", "labels": "none", "started_from": first}
    card = write_card(replace(checkpoint, training={**checkpoint.training, "started_from": second}), "tiny", {})
    assert "never seen a patient" not in card
    assert "license: other" in card
    assert "began with `mid`, trained on 4 phantoms" in card
    assert "began with `sam`, trained on store rsna (labels: labels per slice; data licence: non-commercial)" in card


def test_a_model_that_began_with_one_of_phantoms_has_not(checkpoint):
    origin = {"checkpoint": "a", "data": "4 phantoms; no patient data", "labels": "none"}
    card = write_card(replace(checkpoint, training={**checkpoint.training, "started_from": origin}), "tiny", {})
    assert "never seen a patient" in card
