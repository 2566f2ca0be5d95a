import json
import shutil

import numpy as np
import pytest
import torch
from tiny import SWIN, tiny_recipe

from ichnos.cohorts.slice_store import open_store
from ichnos.cohorts.split import split_patients
from ichnos.errors import CheckpointError, TrainingError, UsageError
from ichnos.models.checkpoint import load_checkpoint, save_checkpoint
from ichnos.phantoms import make_phantom
from ichnos.segmentation.segmenter import load_segmenter
from ichnos.training import data, finish
from ichnos.training import train as train_module
from ichnos.training.steps import Training
from ichnos.training.train import train

CPU = torch.device("cpu")
RECIPE = tiny_recipe()


def run(work, recipe=RECIPE):
    return train(recipe, work, device=CPU, workers=1)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A finished run: its work folder and its checkpoint."""
    work = tmp_path_factory.mktemp("train") / "work"
    return work, run(work)


@pytest.fixture
def work(first, tmp_path):
    """A work folder with the slices prepared and nothing trained."""
    shutil.copytree(first[0] / "store", tmp_path / "work" / "store")
    return tmp_path / "work"


def same(one, other):
    pairs = zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def told(checkpoint):
    """But for the commit, which changes while somebody works on the source."""
    return {key: value for key, value in checkpoint.training.items() if key != "commit"}


def test_a_checkpoint_tells_how_it_was_made(first):
    _, checkpoint = first
    assert checkpoint.network == {"name": "swin", "arguments": SWIN}
    assert checkpoint.labels == ("no bleed", "bleed")
    assert checkpoint.training["recipe"] == RECIPE.model_dump(mode="json")
    assert checkpoint.training["slices"] == {"training": 24, "validation": 24}
    assert checkpoint.training["data"].startswith("8 synthetic phantoms")
    assert set(checkpoint.training["versions"]) >= {"ichnos", "torch"}
    assert checkpoint.training["validation"]["epochs"] == 3.0
    assert checkpoint.segmentation["map_threshold"] == checkpoint.training["calibration"]["map_threshold"]
    assert not checkpoint.model.training


def test_a_checkpoint_is_enough_to_segment_with(first, tmp_path):
    _, checkpoint = first
    segmenter = load_segmenter(save_checkpoint(checkpoint, tmp_path, ""), "cpu")
    result = segmenter(make_phantom(1, RECIPE.data.settings).scan)
    assert result.slice_probabilities.shape == (6,)
    assert same(load_checkpoint(tmp_path), checkpoint)


def test_one_seed_gives_the_same_checkpoint_bit_for_bit(first, work):
    again = run(work)
    assert same(again, first[1])
    assert told(again) == told(first[1])
    assert again.segmentation == first[1].segmentation


def test_another_seed_gives_another(first, work):
    assert not same(run(work, tiny_recipe(seed=4, optimisation={"epochs": 1})), first[1])


def test_an_interrupted_run_goes_on_to_the_same_weights(first, work, monkeypatch):
    real, steps = Training.training_step, []

    def step(self, batch, index):
        steps.append(self.global_step)
        if steps == [0, 1, 2, 3]:
            raise RuntimeError("power cut")
        return real(self, batch, index)

    monkeypatch.setattr(Training, "training_step", step)
    with pytest.raises(RuntimeError, match="power cut"):
        run(work)
    resumed = run(work)
    assert steps == [0, 1, 2, 3, 2, 3, 4, 5], "from the start of the broken epoch"
    assert same(resumed, first[1])
    assert told(resumed) == told(first[1])


def test_a_run_interrupted_while_calibrating_does_not_train_again(first, work, monkeypatch):
    def fail(*_):
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(finish, "calibrate_threshold", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            run(work)
    monkeypatch.setattr(Training, "training_step", fail)
    assert same(run(work), first[1])


def test_no_patient_is_trained_and_validated_on(work, monkeypatch):
    seen = {}
    real = train_module.fit

    def fit(model, recipe, batches, *rest, **options):
        store = batches[0].dataset.store
        seen["sides"] = [set(store.cases[np.concatenate(list(side.batch_sampler))].tolist()) for side in batches]
        return real(model, recipe, batches, *rest, **options)

    monkeypatch.setattr(train_module, "fit", fit)
    run(work, tiny_recipe(optimisation={"epochs": 1}))
    training, validation = seen["sides"]
    assert training.isdisjoint(validation)
    assert training | validation == set(range(8))


def test_the_threshold_is_chosen_on_bleeding_validation_phantoms_alone(work, monkeypatch):
    seeds, labels = [], []

    def make(seed, settings):
        seeds.append(seed)
        return make_phantom(seed, settings)

    def calibrate(_, cases):
        labels.extend(label for _, label in cases)
        return 0.42, 0.5

    monkeypatch.setattr(finish, "make_phantom", make)
    monkeypatch.setattr(finish, "calibrate_threshold", calibrate)
    checkpoint = run(work, tiny_recipe(optimisation={"epochs": 1}))
    store = open_store(work / "store")
    _, validation = split_patients(store.slice_patients, RECIPE.data.validation_fraction, RECIPE.seed)
    assert checkpoint.segmentation["map_threshold"] == 0.42
    assert len(seeds) == RECIPE.data.calibration_phantoms
    assert {f"phantom-{seed:04d}" for seed in seeds} <= {store.slice_patients[index] for index in validation}
    assert all(label.any() for label in labels)


def test_without_a_bleed_to_calibrate_on_the_checkpoint_can_be_saved(work, tmp_path, monkeypatch):
    monkeypatch.setattr(finish, "_labelled_scans", lambda *_: iter(()))
    checkpoint = run(work, tiny_recipe(optimisation={"epochs": 1}))
    saved = load_checkpoint(save_checkpoint(checkpoint, tmp_path / "model", ""))
    assert saved.training["calibration"]["mean_slice_dice"] is None


def test_slices_of_one_kind_cannot_be_trained_on(tmp_path):
    recipe = tiny_recipe(
        data={"phantoms": 2, "settings": {"slices": 3, "rows": 32, "columns": 32, "bleed_probability": 0.0}}
    )
    with pytest.raises(TrainingError, match=r"^0 of 3 labelled training slices hold a bleed; both kinds"):
        run(tmp_path, recipe)


def test_a_batch_larger_than_the_data_is_refused(work):
    with pytest.raises(TrainingError, match=r"^the training slices do not fill one batch of 100; "):
        run(work, tiny_recipe(optimisation={"batch_size": 100}))


@pytest.fixture
def no_phantoms(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("phantoms were made before the recipe was checked")

    monkeypatch.setattr(data, "prepare_phantoms", refuse)


@pytest.mark.usefixtures("no_phantoms")
@pytest.mark.parametrize(
    ("sections", "pattern"),
    [
        ({"network": {"name": "swim"}}, r"^no network is called 'swim'"),
        (
            {"network": {"arguments": {**SWIN, "tile_sise": 3}}},
            r"^network 'swin': arguments.tile_sise is not a setting; did you mean 'tile_size'",
        ),
        (
            {"network": {"arguments": {**SWIN, "channels": 2}}},
            r"^network 'swin' does not take 3 windows of 32 x 32 pixels: .*2 channels",
        ),
        (
            {"network": {"arguments": {**SWIN, "outputs": 6}}},
            r"^network 'swin' has 6 outputs; slice-labels needs 2: no bleed, bleed$",
        ),
        ({"segmentation": {"stages": [1, 2, 3]}}, r"stages \[1, 2, 3\] cannot be recorded"),
        ({"network": {"arguments": {**SWIN, "depths": [2, 1]}}}, r"stage 2 has 1 blocks, which do not pair up"),
    ],
)
def test_a_network_that_does_not_fit_is_refused_before_anything_is_made(tmp_path, sections, pattern):
    with pytest.raises(UsageError, match=pattern) as caught:
        run(tmp_path, tiny_recipe(**sections))
    assert "\n" not in str(caught.value)


UNET = {"name": "unet", "arguments": {"channels": 3, "width": 4}}


def test_a_network_that_labels_pixels_needs_no_gate(work):
    recipe = tiny_recipe(network=UNET, objective={"name": "supervised"}, optimisation={"epochs": 1, "batch_size": 4})
    checkpoint = run(work, recipe)
    assert checkpoint.labels == ("bleed",)
    assert checkpoint.training["labels"].startswith("masks of ")
    assert (checkpoint.segmentation["probability_gate"], checkpoint.segmentation["map_threshold"]) == (0.0, 0.5)


@pytest.fixture
def pretrained(work, tmp_path):
    """A U-Net that learned to restore contexts, as a checkpoint."""
    optimisation = {"epochs": 1, "batch_size": 4}
    objective = {"name": "context-restoration", "swaps": 2, "patch_px": 4}
    checkpoint = run(work, tiny_recipe(network=UNET, objective=objective, optimisation=optimisation))
    return save_checkpoint(checkpoint, tmp_path / "pretrained", "")


def test_after_a_pretext_a_network_cannot_segment_but_says_what_it_is_for(pretrained):
    told = load_checkpoint(pretrained)
    assert told.labels == ()
    assert "encoder" in told.training["trained_parts"]
    with pytest.raises(CheckpointError):
        load_segmenter(pretrained, "cpu")


@pytest.mark.parametrize("freeze", [False, True])
def test_a_network_starts_from_another(first, pretrained, tmp_path, freeze):
    shutil.copytree(first[0] / "store", tmp_path / "next" / "store")
    recipe = tiny_recipe(
        network=UNET,
        objective={"name": "supervised"},
        start={"checkpoint": str(pretrained), "parts": ["encoder"], "freeze": freeze},
        optimisation={"epochs": 1, "batch_size": 4},
    )
    lines = []
    checkpoint = train(recipe, tmp_path / "next", device=CPU, workers=1, tell=lines.append)
    moved = json.loads((tmp_path / "next" / "transfer.json").read_text())["moved"]
    assert lines[0].startswith(f"Took over {len(moved)} tensors; ")
    assert all(name.startswith("encoder.") for name in moved)
    before, after = load_checkpoint(pretrained).model.state_dict(), checkpoint.model.state_dict()
    stayed = [torch.equal(before[name], after[name]) for name in moved]
    assert all(stayed) if freeze else not any(stayed[:2])
    assert checkpoint.training["started_from"]["objective"] == "context-restoration"


def test_the_head_is_trained_alone_first(first, tmp_path):
    source = save_checkpoint(first[1], tmp_path / "source", "")
    shutil.copytree(first[0] / "store", tmp_path / "work" / "store")
    recipe = tiny_recipe(
        start={"checkpoint": str(source), "parts": ["transformer.swin"]},
        optimisation={"epochs": 1, "head_epochs": 1, "head_learning_rate": 0.01},
    )
    run(tmp_path / "work", recipe)
    kept = torch.load(tmp_path / "work" / "head" / "best.ckpt", weights_only=True)["state_dict"]
    source_weights = load_checkpoint(source).model.state_dict()
    same_body = [
        torch.equal(kept[f"model.{name}"], value)
        for name, value in source_weights.items()
        if "transformer.swin" in name
    ]
    assert all(same_body)
    whole = torch.load(tmp_path / "work" / "best.ckpt", weights_only=True)["state_dict"]
    assert not all(torch.equal(whole[name], value) for name, value in kept.items() if "transformer.swin" in name)
