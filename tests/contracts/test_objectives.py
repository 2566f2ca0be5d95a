"""What every learning strategy of `OBJECTIVES` keeps to, on slices of phantoms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from objectives import NETWORKS, SETTINGS, made_batch, made_targets, phantom_store
from torch import nn

from ichnos.errors import TrainingError, UsageError
from ichnos.models.create import create_model
from ichnos.models.transfer import transfer
from ichnos.training.objectives.registry import OBJECTIVES, make_objective

LEARNT = {
    "slice-labels": (80, 0.003, 0.4),
    "focal-labels": (80, 0.002, 0.4),
    "supervised": (70, 0.01, 0.4),
    "context-restoration": (30, 0.01, 0.3),
    "global-contrastive": (40, 0.01, 0.4),
    "local-contrastive": (20, 0.01, 0.2),
    "binary-pretext": (20, 0.01, 0.2),
    "multi-label-ce": (60, 0.01, 0.3),
    "multi-label-dice": (40, 0.01, 0.2),
    "pseudo-labels": (70, 0.01, 0.5),
    "subtype-masks": (70, 0.01, 0.6),
    "cavity": (80, 0.01, 0.4),
}
"""Steps of Adam, their learning rate, and what share of its first loss may be left after them."""

FROZEN = {"local-contrastive": "encoder."}

DECODER = [f"decoder.blocks.{block}" for block in range(4)]

MOVES = {
    "context-restoration": ["encoder", *DECODER],
    "global-contrastive": ["encoder"],
    "local-contrastive": ["encoder", *DECODER[:3]],
    "binary-pretext": ["encoder"],
    "multi-label-ce": ["encoder"],
    "multi-label-dice": ["encoder"],
}
"""What a pretext moves into a U-Net."""

pytestmark = pytest.mark.usefixtures("_one_thread")


@pytest.fixture(scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def store():
    return phantom_store()


@pytest.fixture(scope="module")
def targets(store, tmp_path_factory):
    return made_targets(store, tmp_path_factory.mktemp("targets"))


@pytest.fixture
def chosen(store):
    """Eight slices: the four with most blood, and four without any."""
    blood = (store.marks[np.arange(len(store))] & 63).astype(bool).sum(axis=(1, 2)) * store.is_positive
    bleeding, healthy = np.argsort(-blood, kind="stable")[:4], np.flatnonzero(~store.is_positive)[:4]
    return np.sort(np.concatenate([bleeding, healthy]))


@pytest.fixture(params=sorted(OBJECTIVES))
def name(request):
    return request.param


@pytest.fixture
def settings(name, targets):
    return {"name": name, **SETTINGS[name], **({"targets": str(targets)} if name == "pseudo-labels" else {})}


@pytest.fixture
def objective(settings, store):
    made = make_objective(settings)
    made.check(store, np.arange(len(store)))
    return made.prepare(store, np.arange(len(store)))


@pytest.fixture
def model(name, objective):
    torch.manual_seed(0)
    return objective.attach(create_model(*NETWORKS[name])).train()


@pytest.fixture
def batch(store, chosen):
    return made_batch(store, chosen)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def statistics(model, prefix):
    return {key: value.clone() for key, value in model.state_dict().items() if key.startswith(prefix)}


def test_every_strategy_is_under_contract():
    assert SETTINGS.keys() == NETWORKS.keys() == LEARNT.keys() == OBJECTIVES.keys()
    pretexts = {name for name in OBJECTIVES if name != "pseudo-labels" and not make_objective({"name": name}).outputs}
    assert pretexts == MOVES.keys()


def test_an_unknown_setting_is_refused(settings):
    with pytest.raises(UsageError, match="no_such_setting"):
        make_objective({**settings, "no_such_setting": 1})


def test_what_was_prepared_can_be_told_and_made_again(name, objective):
    assert make_objective({"name": name, **objective.model_dump(mode="json")}) == objective


def test_rows_depend_on_the_generator_alone(objective, store):
    chosen = np.arange(3, len(store))
    rows = objective.draw_rows(store, chosen, 0, seeded(1))
    torch.rand(3)
    np.testing.assert_array_equal(objective.draw_rows(store, chosen, 0, seeded(1)), rows)
    assert not np.array_equal(objective.draw_rows(store, chosen, 0, seeded(2)), rows)
    assert np.isin(rows, chosen).all()


def test_every_epoch_is_as_long(objective, store):
    chosen = np.arange(len(store))
    assert len({len(objective.draw_rows(store, chosen, epoch, seeded(epoch))) for epoch in range(5)}) == 1


def test_nothing_is_drawn_that_was_not_chosen(objective, store, chosen):
    rows = objective.draw_rows(store, chosen, 0, seeded())
    assert len(rows)
    assert np.isin(rows, chosen).all()


def test_no_slices_are_refused(settings, store):
    with pytest.raises(TrainingError, match=r"\b0\b"):
        make_objective(settings).check(store, np.arange(0))


def test_randomness_comes_from_the_generator_alone(objective, model, batch):
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002 - that nobody uses it is the test
    model.eval()
    losses = []
    for seed in (0, 0):
        losses.append(objective.loss(model, batch, seeded(seed)).item())
        torch.testing.assert_close(torch.get_rng_state(), states[0])
        np.testing.assert_array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    assert losses[0] == losses[1]


def test_the_gradient_reaches_all_that_is_trained_and_nothing_else(name, objective, model, batch):
    frozen = statistics(model, FROZEN.get(name, "nothing"))
    loss = objective.loss(model, batch, seeded())
    assert loss.shape == ()
    assert torch.isfinite(loss)
    loss.backward()
    reached = {key for key, value in model.named_parameters() if value.grad is not None and value.grad.abs().sum() > 0}
    silent = {key for key in dict(model.named_parameters()) if "key.bias" in key or "k_proj.bias" in key}
    silent |= {key for key in dict(model.named_parameters()) if key.startswith(FROZEN.get(name, "nothing"))}
    silent |= cancelled_biases(model)
    assert dict(model.named_parameters()).keys() - reached <= silent
    assert not any(key.startswith(FROZEN[name]) for key in reached if name in FROZEN)
    after = statistics(model, FROZEN.get(name, "nothing"))
    assert all(torch.equal(after[key], frozen[key]) for key in frozen)


def cancelled_biases(model):
    """Biases that the batch normalisation behind them takes away again."""
    return {f"{name}.bias" for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}


def test_it_overfits_eight_slices(name, objective, model, batch):
    steps, rate, left = LEARNT[name]
    before = objective.loss(model, batch, seeded(7)).item()
    optimizer = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr=rate)
    frozen = statistics(model, FROZEN.get(name, "nothing"))
    for step in range(steps):
        optimizer.zero_grad()
        objective.loss(model, batch, seeded(step)).backward()
        optimizer.step()
    assert objective.loss(model, batch, seeded(7)).item() < left * before
    after = statistics(model, FROZEN.get(name, "nothing"))
    assert all(torch.equal(after[key], frozen[key]) for key in frozen)


def test_it_measures_and_summarises(objective, model, store, chosen):
    model.eval()
    with torch.inference_mode():
        measured = [objective.measure(model, made_batch(store, rows), seeded()) for rows in np.split(chosen, 2)]
    together = {key: torch.cat([one[key] for one in measured]) for key in measured[0]}
    figures = objective.summarise(together)
    assert all(isinstance(value, float) for value in figures.values())
    assert figures["loss"] > 0
    again = objective.measure(model, made_batch(store, chosen[:4]), seeded())
    torch.testing.assert_close({key: value.detach() for key, value in again.items()}, dict(measured[0]))


def test_a_single_slice_at_the_end_of_a_pass_does_not_break_it(objective, model, store, chosen):
    model.eval()
    with torch.inference_mode():
        several = objective.measure(model, made_batch(store, chosen[:2]), seeded())
        single = objective.measure(model, made_batch(store, chosen[:1]), seeded())
    together = {key: torch.cat([several[key], single[key]]) for key in several}
    assert np.isfinite(objective.summarise(together)["loss"])


def test_half_precision_gives_nearly_the_same_loss(objective, model, batch):
    model.eval()
    with torch.no_grad():
        full = float(objective.loss(model, batch, seeded()))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = objective.loss(model, batch, seeded())
    assert half.dtype == torch.float32
    assert float(half) == pytest.approx(full, rel=0.05, abs=0.02)


def test_healthy_slices_alone_give_a_loss_and_a_gradient(objective, model, batch):
    healthy = replace(batch, labels=torch.zeros_like(batch.labels), marks=torch.zeros_like(batch.marks))
    loss = objective.loss(model, healthy, seeded())
    loss.backward()
    assert torch.isfinite(loss)
    grads = [one.grad for one in model.parameters() if one.grad is not None]
    assert all(torch.isfinite(grad).all() for grad in grads)
    assert sum(float(grad.abs().sum()) for grad in grads) > 0


def test_a_bleed_labelled_slice_whose_mask_is_empty_does_not_break_it(objective, model, batch):
    lost = replace(batch, marks=torch.zeros_like(batch.marks))
    assert torch.isfinite(objective.loss(model, lost, seeded()))


def test_outputs_are_as_many_as_the_network_has(name, objective, model, batch):
    assert bool(objective.outputs) == (name not in MOVES)
    if objective.outputs:
        assert model(batch.pixels).shape[1] == len(objective.outputs)


@pytest.mark.parametrize("pretext", sorted(MOVES))
def test_a_pretext_moves_just_its_parts_into_a_unet(pretext):
    torch.manual_seed(0)
    source = create_model(*NETWORKS[pretext])
    target = create_model("unet", {"width": 4, "outputs": 2})
    moved = transfer(source, target, make_objective({"name": pretext}).parts)
    expected = [key for key in target.state_dict() if any(key.startswith(f"{part}.") for part in MOVES[pretext])]
    assert sorted(moved.moved) == sorted(expected)
    assert sorted(moved.kept) == sorted(set(target.state_dict()) - set(expected))
    assert all(torch.equal(source.state_dict()[key], target.state_dict()[key]) for key in moved.moved)
    assert all(parameter.requires_grad for parameter in target.parameters())
