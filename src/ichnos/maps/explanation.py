"""What every method gives, and how all of them finish a map."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ichnos.errors import UsageError
from ichnos.maps.grids import stretch_to_unit
from ichnos.maps.recorder import exclusive
from ichnos.maps.settings import MapSettings


@dataclass(frozen=True)
class Explanation:
    """Where a classifier looked, for each asked output.

    Attributes:
        maps: in [0, 1]; in each map that is not blank some pixel is 0 and some is 1.
        logits: of the same forward pass.
        stages: maps of the single stages before they were fused, in [0, 1], where a method has them.
    """

    maps: Float[Tensor, "slices targets rows columns"]
    logits: Float[Tensor, "slices outputs"]
    stages: Float[Tensor, "slices targets stages rows columns"] | None = None


def finish(
    explanation: Explanation, settings: MapSettings, region: Float[Tensor, "slices rows columns"] | None = None
) -> Explanation:
    """Multiply with `region` (a brain mask, say) if there is one, and stretch each target's maps to [0, 1]."""
    raw = explanation.maps if region is None else explanation.maps * region[:, None]
    maps = torch.stack([stretch_to_unit(each, settings.min_max_over) for each in raw.unbind(dim=1)], dim=1)
    return replace(explanation, maps=maps)


def join(parts: Sequence[Explanation]) -> Explanation:
    """The explanation of a batch from those of its parts, in order."""
    stages = [part.stages for part in parts if part.stages is not None]
    return Explanation(
        torch.cat([part.maps for part in parts]),
        torch.cat([part.logits for part in parts]),
        torch.cat(stages) if stages else None,
    )


def run(model: nn.Module, pixels: Float[Tensor, "slices channels rows columns"]) -> Float[Tensor, "slices outputs"]:
    """Logits, in the precision of the model's parameters."""
    parameter = next(model.parameters(), None)
    outputs = model(pixels if parameter is None else pixels.to(parameter.dtype))
    logits: Tensor = outputs if isinstance(outputs, Tensor) else outputs.logits
    return logits


def choose_logits(
    logits: Float[Tensor, "slices outputs"], targets: Sequence[int], settings: MapSettings
) -> list[Float[Tensor, " slices"]]:
    """For each target the logit of each slice that is explained.

    Raises:
        UsageError: no target, or one that the network does not have.
    """
    outputs = logits.shape[1]
    if not targets or not all(0 <= target < outputs for target in targets):
        raise UsageError(f"targets {list(targets)} cannot be explained; this network has outputs 0 to {outputs - 1}")
    if settings.explain == "predicted":
        chosen: Int[Tensor, " slices"] = logits.argmax(dim=1)
        return [logits.gather(1, chosen[:, None])[:, 0] for _ in targets]
    return [logits[:, target] for target in targets]


@contextmanager
def frozen(model: nn.Module, device: torch.device, *, gradients: bool) -> Iterator[None]:
    """Eval mode, no gradients of parameters, no autocast inside the block; all as before afterwards.

    Another thread that wants to explain the same model waits.
    """
    with exclusive(model):
        modes = [(module, module.training) for module in model.modules()]
        needs = [parameter for parameter in model.parameters() if parameter.requires_grad]
        try:
            if any(training for _, training in modes):
                model.eval()
            for parameter in needs:
                parameter.requires_grad = False
            with torch.set_grad_enabled(gradients), torch.autocast(device.type, enabled=False):
                yield
        finally:
            for module, training in modes:
                module.training = training
            for parameter in needs:
                parameter.requires_grad = True
