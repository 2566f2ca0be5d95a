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
    for said in ("8 phantoms", "one a slice", "none needed", "map threshold 0.23"):
        assert said in card


def test_figures_stand_in_a_table(checkpoint):
    card = write_card(checkpoint, "tiny", {"mean_dice": 0.123456, "slices": 384, "slice_roc_auc": float("nan")})
    assert "|---|---|\n| mean dice | 0.1235 |\n| slices | 384 |\n| slice roc auc | nan |\n" in card


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
