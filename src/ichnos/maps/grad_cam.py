"""Grad-CAM: a layer's channels, each weighted by its mean gradient.

Paper: Selvaraju et al. 2017, Eq. 1 and 2. On a Swin the layer is the first norm of the last block,
as Rasoulian et al. 2023 (section 4) compare with; `MapSettings.layer` names another.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ichnos.maps.activations import explain_by_activations
from ichnos.maps.explanation import Explanation
from ichnos.maps.settings import MapSettings


def explain_grad_cam(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    settings: MapSettings,
    targets: Sequence[int],
) -> Explanation:
    """One map a target, not yet normalised: one forward pass, one short backward pass for each target."""
    return explain_by_activations(model, pixels, settings, targets, combine)


def combine(
    activations: Float[Tensor, "slices channels rows columns"],
    gradients: Float[Tensor, "slices channels rows columns"],
) -> Float[Tensor, "slices rows columns"]:
    """Sum of channels, each times the mean of its gradient."""
    return torch.einsum("sc,scij->sij", gradients.mean(dim=(2, 3)), activations)
