"""Optimizers and learning rates by name."""

from typing import Any, Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, ExponentialLR, OneCycleLR

from ichnos.training.recipe import Optimisation

OPTIMIZERS: dict[str, Any] = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}

_RISE = 0.2
"""Part of a cycle in which the rate rises."""

_SHORTEST = 6
"""Steps below which a cycle would have nothing to rise in."""

Schedule = OneCycleLR | ExponentialLR | ConstantLR


def make_optimizer(model: nn.Module, settings: Optimisation) -> torch.optim.Optimizer:
    """The optimizer of what is not frozen.

    The weight decay of `adam` is an L2 penalty, as in the second paper (Spahr et al. 2023); that of
    `adamw` is decoupled, as in the first.
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer: torch.optim.Optimizer = OPTIMIZERS[settings.optimizer](
        learning, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    return optimizer


def make_schedule(
    optimizer: torch.optim.Optimizer, settings: Optimisation, steps: int
) -> tuple[Schedule, Literal["step", "epoch"]]:
    """The learning rate over so many steps, and whether it moves after each step or each epoch."""
    if settings.schedule == "one-cycle":
        cycle = max(steps, _SHORTEST)
        return OneCycleLR(optimizer, max_lr=settings.learning_rate, total_steps=cycle, pct_start=_RISE), "step"
    if settings.schedule == "exponential":
        return ExponentialLR(optimizer, settings.decay), "epoch"
    return ConstantLR(optimizer, factor=1.0), "epoch"
