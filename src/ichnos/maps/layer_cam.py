"""LayerCAM: each place of each channel weighted by its own positive gradient.

Paper: Jiang et al. 2021, Eq. 4 to 6. Finer than Grad-CAM in early layers.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from ichnos.maps.activations import explain_by_activations
from ichnos.maps.explanation import Explanation
from ichnos.maps.settings import MapSettings


def explain_layer_cam(
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
    """Sum over channels of activations times positive gradients."""
    return (activations * gradients.relu()).sum(dim=1)
