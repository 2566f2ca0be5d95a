"""Grad-CAM++: Grad-CAM whose channel weights count each place once, however large its object.

Paper: Chattopadhay et al. 2018, Eq. 10 and 19, with the exponential of the logit explained, so that
its higher derivatives are powers of the gradient.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ichnos.maps.activations import explain_by_activations
from ichnos.maps.explanation import Explanation
from ichnos.maps.settings import MapSettings


def explain_grad_cam_plus_plus(
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
    """Sum of channels, each times the sum of its positive gradients, weighted by their alpha (Eq. 19)."""
    below = 2 + activations.sum(dim=(2, 3), keepdim=True) * gradients  # both sides of Eq. 19 divided by g squared
    alpha = 1 / torch.where(below == 0, torch.ones_like(below), below)
    return torch.einsum("sc,scij->sij", (alpha * gradients.relu()).sum(dim=(2, 3)), activations)
