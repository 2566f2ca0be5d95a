"""Every method that says where a classifier looked, by name and under one contract.

    explanation = explain(model, pixels, choose_settings("hgi-sam"), targets=(1,))
    explanation.maps          # slices, targets, rows, columns; in [0, 1]

The contract (tests/contracts/test_maps.py): maps in [0, 1]; a slice's map does not depend on its
batch, unless `min_max_over` says so; the same input gives the same map; a map without contrast is
zeros, never NaN; the model is left as it was.
"""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn

from ichnos.errors import UsageError
from ichnos.maps.explanation import Explanation, finish
from ichnos.maps.grad_cam import explain_grad_cam
from ichnos.maps.grad_cam_plus_plus import explain_grad_cam_plus_plus
from ichnos.maps.hgi_sam import explain_hgi_sam
from ichnos.maps.layer_cam import explain_layer_cam
from ichnos.maps.rollout import explain_rollout
from ichnos.maps.settings import MapSettings, choose_settings
from ichnos.maps.swin_sam import explain_swin_sam

Method = Callable[[nn.Module, Tensor, MapSettings, Sequence[int]], Explanation]
"""Maps of the asked outputs, not yet normalised."""

METHODS: dict[str, Method] = {
    "hgi-sam": explain_hgi_sam,
    "swin-sam": explain_swin_sam,
    "grad-cam": explain_grad_cam,
    "grad-cam++": explain_grad_cam_plus_plus,
    "layer-cam": explain_layer_cam,
    "rollout": explain_rollout,
}


def explain(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    settings: MapSettings,
    targets: Sequence[int],
    region: Float[Tensor, "_ _ _"] | None = None,
) -> Explanation:
    """Where `model` looked to say each of `targets`.

    Args:
        model: a classifier; its mode, gradients and attention are left as they were.
        pixels: standardised slices.
        settings: method and its choices; see `settings.choose_settings`.
        targets: outputs to explain; each gets its own map. One forward pass serves all.
        region: (slices, rows, columns), such as a brain mask; multiplied with the maps before they are stretched.

    Raises:
        UsageError: a method, stage, layer or output that there is not.
    """
    if settings.method not in METHODS:
        choose_settings(settings.method)
        raise UsageError(f"no method is called {settings.method!r}; there are: {', '.join(METHODS)}")
    if region is not None and region.shape != (pixels.shape[0], *pixels.shape[2:]):
        raise UsageError(
            f"the region has shape {tuple(region.shape)}, the slices {(pixels.shape[0], *pixels.shape[2:])}"
        )
    return finish(METHODS[settings.method](model, pixels, settings, targets), settings, region)
