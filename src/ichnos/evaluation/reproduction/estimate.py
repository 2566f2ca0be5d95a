"""How long training takes, roughly, told before it begins: operations over what a machine is likely to manage."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ichnos.evaluation.reproduction.scale import Phantoms, Source
from ichnos.runtime.device import choose_device

_OPERATIONS_PER_SECOND = {"cpu": 4e10, "cuda": 1.5e13}
"""Of one core, and of one large GPU in 32 bits; what small convolutions reach, not what is printed on the box."""

_SECONDS_PER_SLICE = 4e-4
"""To read, augment and move it, whatever the network."""

_SECONDS_PER_SCAN_SLICE = 0.01
"""To read it, find the intracranial cavity, and count pixels at all thresholds."""

_PASSES = 3.0
"""A step costs a forward pass and, backwards, two of them."""

_COLLECTION_SLICES = {"rsna-2019": 752_803, "physionet-ct-ich": 2_814, "seg-cq500": 11_175}
"""As both papers count them."""


def count_slices(source: Source) -> int:
    """Slices that a source has, roughly."""
    if isinstance(source, Phantoms):
        return source.count * int(source.settings.get("slices", 32))
    return _COLLECTION_SLICES.get(source.reader, 10_000)


def estimate_training(recipe: Mapping[str, Any], slices: int, device: str) -> tuple[float, float]:
    """(seconds, megabytes) of training by a recipe, to within a factor of three or so.

    Args:
        recipe: whole, as plain values; its epochs are taken to be used up, although patience may end them sooner.
        slices: drawn in an epoch.
        device: auto, cpu or cuda:N.
    """
    grid = recipe["preprocessing"]
    shape = (len(grid["hu_windows"]), grid["image_size"])
    operations, parameters = _measure(json.dumps(recipe["network"], sort_keys=True), *shape)
    speed = _OPERATIONS_PER_SECOND[choose_device(device).type]
    per_slice = _PASSES * operations / speed + _SECONDS_PER_SLICE
    return per_slice * slices * recipe["optimisation"]["epochs"] + 3.0, 4e-6 * parameters


def estimate_tracing(recipe: Mapping[str, Any], slices: int, device: str) -> float:
    """Seconds of one pass over a test cohort, with gradients where a map needs them."""
    grid = recipe["preprocessing"]
    shape = (len(grid["hu_windows"]), grid["image_size"])
    operations, _ = _measure(json.dumps(recipe["network"], sort_keys=True), *shape)
    per_slice = _PASSES * operations / _OPERATIONS_PER_SECOND[choose_device(device).type] + _SECONDS_PER_SCAN_SLICE
    return per_slice * slices + 1.0


@lru_cache(maxsize=64)
def _measure(network: str, channels: int, size: int) -> tuple[float, int]:
    """Operations of a forward pass of one slice, and number of weights."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ichnos.models.create import create_model

    content = json.loads(network)
    for place in ("meta", "cpu"):  # MONAI looks at numbers, which tensors without memory do not have
        try:
            with torch.device(place):
                model = create_model(content["name"], content["arguments"]).eval()
                pixels = torch.zeros(1, channels, size, size)
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                model(pixels)
        except RuntimeError:
            if place == "cpu":
                raise
        else:
            break
    return float(counter.get_total_flops()), sum(parameter.numel() for parameter in model.parameters())
