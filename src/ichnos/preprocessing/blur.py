"""Gaussian blur of many slices, each with a width of its own, at once."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

REACH = 3.0
"""Standard deviations after which the kernel ends."""


def blur_slices(
    pixels: Float[Tensor, "slices channels rows columns"], sigmas: Float[Tensor, " slices"]
) -> Float[Tensor, "slices channels rows columns"]:
    """Blur along rows, then along columns; beyond an edge, its nearest pixel goes on.

    Args:
        pixels: slices.
        sigmas: standard deviation for each slice, pixels; 0 leaves the slice as it is.
    """
    blurred = sigmas.nonzero()[:, 0]
    if not len(blurred):
        return pixels
    radius = math.ceil(REACH * float(sigmas.max()))
    steps = torch.arange(-radius, radius + 1, device=sigmas.device)
    kernels = torch.exp(-0.5 * (steps / sigmas[blurred, None]).square())
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).repeat_interleave(pixels.shape[1], dim=0).to(pixels)
    blurred = blurred.to(pixels.device)
    planes = pixels[blurred].flatten(0, 1)[None]
    planes = nn.functional.pad(planes, (radius,) * 4, mode="replicate")
    planes = nn.functional.conv2d(planes, kernels[:, None, :, None], groups=len(kernels))
    planes = nn.functional.conv2d(planes, kernels[:, None, None, :], groups=len(kernels))
    return pixels.index_copy(0, blurred, planes.reshape(len(blurred), *pixels.shape[1:]))
