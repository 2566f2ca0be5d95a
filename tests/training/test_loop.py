import csv
import logging
import math
import signal
import warnings

import lightning
import numpy as np
import pytest
import torch
from tiny import made_store, tiny_recipe
from torch import nn

from ichnos.errors import TrainingError
from ichnos.training.batches import EpochRows, SliceDataset, training_batches, validation_batches
from ichnos.training.loop import fit
from ichnos.training.machine import Machine
from ichnos.training.objectives.registry import make_objective
from ichnos.training.objectives.slice_labels import SliceLabels
from ichnos.training.steps import Training

CPU = Machine(torch.device("cpu"))


def network():
    """Enough to learn brightness, with randomness of its own while it trains."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(3 * 8 * 8, 2))


def batches_of(recipe, store=None):
    store = made_store() if store is None else store
    dataset = SliceDataset(store, recipe.preprocessing)
    rows = EpochRows(make_objective(recipe.objective), store, np.arange(28), recipe.seed)
    return (
        training_batches(dataset, rows, recipe.optimisation.batch_size),
        validation_batches(dataset, np.arange(28, len(store)), 5),
    )


def run(folder, model=None, **optimisation):
    recipe = tiny_recipe(optimisation=optimisation)
    model = network() if model is None else model
    return model, fit(model, recipe, batches_of(recipe), folder, CPU, quiet=True)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def validation_losses(folder):
    with (folder / "metrics.csv").open(newline="") as stream:
        return [float(row["validation_loss"]) for row in csv.DictReader(stream) if row["validation_loss"]]


@pytest.fixture
def losses(monkeypatch):
    """Validation losses as scripted, epoch by epoch; training goes on as it is."""
    script = []
    monkeypatch.setattr(SliceLabels, "summarise", lambda *_: {"loss": script.pop(0)})
    return script


@pytest.fixture
def steps(monkeypatch):
    """(epoch, step, weights before it) of each training step."""
    seen = []
    real = Training.training_step

    def step(self, batch, index):
        seen.append((self.current_epoch, self.global_step, weights(self.model)))
        return real(self, batch, index)

    monkeypatch.setattr(Training, "training_step", step)
    return seen


def test_it_learns(tmp_path):
    model, figures = run(tmp_path, epochs=12, learning_rate=0.02, patience=12)
    assert figures["validation_loss"] < 0.5 < math.log(2)
    assert not model.training


def test_the_figures_are_those_of_the_model_that_comes_back(tmp_path):
    model, figures = run(tmp_path, epochs=4, learning_rate=0.05)
    _, validation = batches_of(tiny_recipe())
    with torch.no_grad():
        logits = torch.cat([model(batch.pixels) for batch in validation])
    labels = torch.cat([batch.is_positive for batch in validation])
    each = torch.logsumexp(logits, 1) - logits.gather(1, labels.long()[:, None])[:, 0]
    by_hand = (each[labels].mean() + each[~labels].mean()) / 2
    assert figures["validation_loss"] == pytest.approx(float(by_hand), rel=1e-5)
    assert figures["validation_loss"] == pytest.approx(min(validation_losses(tmp_path)), rel=1e-6)


def test_the_best_epoch_is_what_is_left(tmp_path, losses, steps):
    losses += [0.5, 0.3, 0.4, 0.6]
    model, figures = run(tmp_path, epochs=4)
    after_second_epoch = next(before for epoch, _, before in steps if epoch == 2)
    assert torch.equal(weights(model), after_second_epoch)
    assert figures == {"epochs": 4.0, "validation_loss": pytest.approx(0.3)}


@pytest.mark.parametrize(
    ("script", "patience", "epochs"),
    [([0.5, 0.6, 0.7, 0.1], 2, 3), ([0.5, 0.4, 0.6, 0.7, 0.1], 2, 4), ([0.5, 0.6, 0.4, 0.6, 0.3], 2, 5)],
)
def test_patience_ends_training(tmp_path, losses, script, patience, epochs):
    losses += script
    _, figures = run(tmp_path, epochs=5, patience=patience)
    assert figures["epochs"] == epochs


def test_weights_that_do_not_move_run_out_of_patience(tmp_path):
    _, figures = run(tmp_path, epochs=9, learning_rate=1e-30, patience=2)
    assert figures["epochs"] == 3


def test_one_seed_gives_the_same_weights_bit_for_bit(tmp_path):
    first, second = (weights(run(tmp_path / name)[0]) for name in "ab")
    assert torch.equal(first, second)


def test_another_seed_gives_others(tmp_path):
    recipe = tiny_recipe(seed=4)
    model = network()
    fit(model, recipe, batches_of(recipe), tmp_path / "a", CPU, quiet=True)
    assert not torch.equal(weights(model), weights(run(tmp_path / "b")[0]))


def interrupt(monkeypatch, at, error):
    """Break the training step number `at`, once."""
    real = Training.training_step
    broken = []

    def step(self, batch, index):
        if self.global_step == at and not broken:
            broken.append(at)
            raise error
        return real(self, batch, index)

    monkeypatch.setattr(Training, "training_step", step)


@pytest.mark.parametrize("at", [2, 3, 5], ids=["after epoch 1", "within epoch 2", "within epoch 3"])
def test_an_interrupted_run_equals_one_that_was_not(tmp_path, monkeypatch, steps, at):
    straight, figures = run(tmp_path / "straight")
    told = [(epoch, step) for epoch, step, _ in steps]
    assert told == [(0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (2, 5)]
    steps.clear()
    interrupt(monkeypatch, at, RuntimeError("power cut"))
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path / "resumed")
    steps.clear()
    resumed, figures_resumed = run(tmp_path / "resumed")
    assert [step for _, step, _ in steps] == list(range(at - at % 2, 6)), "it goes on from the last finished epoch"
    assert torch.equal(weights(resumed), weights(straight))
    assert figures_resumed == figures


def test_a_resumed_run_keeps_its_patience(tmp_path, monkeypatch, losses):
    losses += [0.5, 0.6, 0.7, 0.1]
    interrupt(monkeypatch, 4, RuntimeError("power cut"))
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path, epochs=4, patience=2)
    assert run(tmp_path, epochs=4, patience=2)[1] == {"epochs": 3.0, "validation_loss": pytest.approx(0.5)}


def test_a_finished_run_is_only_read_back(tmp_path, steps, losses):
    losses += [0.5, 0.6, 0.7]
    model, figures = run(tmp_path, epochs=6, patience=2)
    steps.clear()
    again, figures_again = run(tmp_path, epochs=6, patience=2)
    assert steps == []
    assert torch.equal(weights(again), weights(model))
    assert figures_again == figures


def test_control_c_reaches_the_caller(tmp_path, monkeypatch):
    handler = signal.getsignal(signal.SIGINT)
    interrupt(monkeypatch, 2, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    model, _ = run(tmp_path)
    assert torch.equal(weights(model), weights(run(tmp_path / "straight")[0]))


def test_another_exit_is_not_taken_for_control_c(tmp_path, monkeypatch):
    interrupt(monkeypatch, 2, SystemExit(3))
    with pytest.raises(SystemExit) as caught:
        run(tmp_path)
    assert caught.value.code == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_training(tmp_path, value):
    model = network()
    nn.init.constant_(model[2].bias, value)
    with pytest.raises(
        TrainingError, match=r"^the loss is nan at step 0; lower optimisation.learning_rate and start anew; the slices"
    ):
        run(tmp_path, model)


def test_a_validation_loss_that_is_not_finite_stops_training(tmp_path, losses):
    losses += [0.5, float("nan")]
    with pytest.raises(TrainingError, match=r"^the validation loss is nan at step 4; lower optimisation.learning_rate"):
        run(tmp_path)


def test_a_batch_larger_than_the_data_is_refused(tmp_path):
    with pytest.raises(
        TrainingError,
        match=r"^the training slices do not fill one batch of 29; add data or lower optimisation.batch_size$",
    ):
        run(tmp_path, batch_size=29)


def test_the_schedule_is_one_cycle_over_all_epochs(tmp_path, monkeypatch):
    rates = []
    real = Training.training_step

    def step(self, batch, index):
        rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])
        return real(self, batch, index)

    monkeypatch.setattr(Training, "training_step", step)
    run(tmp_path, epochs=10, learning_rate=0.01, patience=10)
    top = rates.index(max(rates))
    assert len(rates) == 20
    assert max(rates) == pytest.approx(0.01, rel=0.01)
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert top == 3  # a fifth of the way: 0.2 * 20 - 1


def test_gradients_are_clipped(tmp_path, monkeypatch):
    norms = []
    real = torch.optim.AdamW.step

    def step(self, closure=None):
        loss = closure()
        gradients = torch.cat([p.grad.flatten() for group in self.param_groups for p in group["params"]])
        norms.append(float(gradients.norm()))
        return real(self, lambda: loss)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    model = network()
    nn.init.constant_(model[2].bias[:1].data, 30.0)  # far off, so that gradients are large
    run(tmp_path, model, clip_gradient=0.01)
    assert max(norms) == pytest.approx(0.01, rel=1e-3)


def test_each_step_is_augmented_by_its_own_draw(tmp_path, monkeypatch):
    seeds = []

    def apply(self, pixels, marks, generator):
        seeds.append(generator.initial_seed())
        return pixels, marks

    monkeypatch.setattr("ichnos.preprocessing.augmentation.Augmentation.apply_with_masks", apply)
    run(tmp_path)
    assert len(set(seeds)) == len(seeds) == 6


def test_validation_is_not_augmented(tmp_path, monkeypatch):
    def apply(self, pixels, marks, generator):
        return pixels * 0, marks

    monkeypatch.setattr("ichnos.preprocessing.augmentation.Augmentation.apply_with_masks", apply)
    _, validation = batches_of(tiny_recipe())
    seen = []

    class Watched(nn.Linear):
        def forward(self, values):
            if not self.training:
                seen.append(values)
            return super().forward(values)

    run(tmp_path, nn.Sequential(nn.Flatten(), Watched(192, 2)), epochs=1)
    assert torch.equal(torch.cat(seen), torch.cat([batch.pixels.flatten(1) for batch in validation]))


def test_auc_of_validation_is_kept_beside_the_loss(tmp_path):
    run(tmp_path, epochs=6, learning_rate=0.05, patience=6)
    with (tmp_path / "metrics.csv").open(newline="") as stream:
        aucs = [float(row["validation_auc"]) for row in csv.DictReader(stream) if row["validation_auc"]]
    assert len(aucs) == 6
    assert aucs[-1] > 0.8


def test_validation_of_one_kind_is_not_an_error(tmp_path):
    store = made_store()
    store.labels[28:] = 0
    recipe = tiny_recipe()
    figures = fit(network(), recipe, batches_of(recipe, store), tmp_path, CPU, quiet=True)
    assert math.isfinite(figures["validation_loss"])


@pytest.mark.parametrize("deterministic", [False, True])
def test_nothing_is_left_switched_or_silenced(tmp_path, deterministic):
    logger = logging.getLogger("lightning.pytorch")
    torch.use_deterministic_algorithms(deterministic)
    before = (logger.level, list(warnings.filters))
    try:
        run(tmp_path, epochs=1)
        assert torch.are_deterministic_algorithms_enabled() is deterministic
        assert (logger.level, list(warnings.filters)) == before
    finally:
        torch.use_deterministic_algorithms(False)


def test_quiet_is_quiet(tmp_path, capfd):
    run(tmp_path, epochs=1)
    assert capfd.readouterr() == ("", "")


def test_a_bar_shows_progress(tmp_path, capfd):
    recipe = tiny_recipe(optimisation={"epochs": 1})
    fit(network(), recipe, batches_of(recipe), tmp_path, CPU)
    assert "Epoch 0" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("name", "expected"),
    [("cpu", ("cpu", 1)), ("cuda", ("gpu", [0])), ("cuda:0", ("gpu", [0])), ("cuda:1", ("gpu", [1]))],
)
def test_the_device_asked_for_is_the_one_trained_on(tmp_path, monkeypatch, name, expected):
    class SeenError(Exception):
        pass

    def trainer(*, accelerator, devices, **_):
        raise SeenError(accelerator, devices)

    monkeypatch.setattr(lightning, "Trainer", trainer)
    recipe = tiny_recipe()
    with pytest.raises(SeenError) as caught:
        fit(network(), recipe, batches_of(recipe), tmp_path, Machine(torch.device(name)), quiet=True)
    assert caught.value.args == expected


@pytest.mark.gpu
def test_it_trains_on_a_gpu_and_comes_back_to_the_cpu(tmp_path):
    recipe = tiny_recipe()
    model = network()
    figures = fit(model, recipe, batches_of(recipe), tmp_path, Machine(torch.device("cuda:0")), quiet=True)
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}
    assert math.isfinite(figures["validation_loss"])


@pytest.mark.slow
def test_two_processes_are_one_with_twice_the_batch(tmp_path):
    """Figures of validation come from the same batches; steps from the same slices in two halves."""
    still = {"augmentation": {"flip": 0.0, "rotation_degrees": 0.0, "scale": 0.0, "shift": 0.0, "noise": 0.0}}
    results = {}
    for name, devices, size in (("one", 1, 14), ("two", 2, 7)):
        recipe = tiny_recipe(optimisation={"epochs": 2, "batch_size": size, "learning_rate": 0.01}, **still)
        torch.manual_seed(5)
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
        machine = Machine(torch.device("cpu"), devices=devices)
        fit(model, recipe, batches_of(recipe), tmp_path / name, machine, quiet=True)
        with (tmp_path / name / "metrics.csv").open(newline="") as stream:
            results[name] = weights(model), list(csv.DictReader(stream))
    torch.testing.assert_close(results["two"][0], results["one"][0], rtol=1e-4, atol=1e-6)
    assert len(results["one"][1]) == len(results["two"][1]) == 2
    for one, two in zip(results["one"][1], results["two"][1], strict=True):
        assert {key: float(value) for key, value in two.items()} == pytest.approx(
            {key: float(value) for key, value in one.items()}, rel=1e-4
        )
