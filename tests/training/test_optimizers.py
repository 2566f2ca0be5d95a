import pytest
import torch
from tiny import tiny_recipe
from torch import nn

from ichnos.training.optimizers import make_optimizer, make_schedule


def settings(**optimisation):
    return tiny_recipe(optimisation={"learning_rate": 0.1, **optimisation}).optimisation


def one_step(value, gradient, **optimisation):
    """A single weight after one step."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    model.weight.grad = torch.tensor([[gradient]])
    make_optimizer(model, settings(**optimisation)).step()
    return model.weight.item()


def test_decay_is_decoupled_with_adamw_and_a_penalty_with_adam():
    # Adam's first step is the learning rate times the sign of the gradient.
    assert one_step(2.0, 1.0, weight_decay=0.5) == pytest.approx(2.0 * (1 - 0.1 * 0.5) - 0.1, rel=1e-5)
    assert one_step(2.0, -0.5, optimizer="adam", weight_decay=0.5) == pytest.approx(2.0 - 0.1, rel=1e-5)
    assert one_step(2.0, -0.5, optimizer="adam", weight_decay=0.0) == pytest.approx(2.0 + 0.1, rel=1e-5)


def test_what_is_frozen_is_not_optimised():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[0].requires_grad_(False)
    groups = make_optimizer(model, settings()).param_groups
    assert {id(one) for one in groups[0]["params"]} == {id(one) for one in model[1].parameters()}


@pytest.mark.parametrize(
    ("optimisation", "interval", "expected"),
    [
        ({"schedule": "exponential"}, "epoch", [0.1, 0.096, 0.09216]),
        ({"schedule": "exponential", "decay": 0.5}, "epoch", [0.1, 0.05, 0.025]),
        ({"schedule": "constant"}, "epoch", [0.1, 0.1, 0.1]),
        ({"schedule": "one-cycle"}, "step", [0.1 / 25]),
    ],
)
def test_the_rate_follows_its_schedule(optimisation, interval, expected):
    chosen = settings(**optimisation)
    optimizer = make_optimizer(nn.Linear(1, 1), chosen)
    schedule, moves = make_schedule(optimizer, chosen, 10)
    rates = []
    for _ in expected:
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert moves == interval
    assert rates == pytest.approx(expected)


@pytest.mark.parametrize("steps", range(1, 13))
def test_a_cycle_may_be_short(steps):
    optimizer = make_optimizer(nn.Linear(1, 1), settings())
    schedule, _ = make_schedule(optimizer, settings(), steps)
    for _ in range(steps - 1):
        optimizer.step()
        schedule.step()
    assert 0 < optimizer.param_groups[0]["lr"] <= 0.1
