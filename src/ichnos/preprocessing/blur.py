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
    radius = math.ceil(REACH * float(sigmas.max()))
    if not radius:
        return pixels
    steps = torch.arange(-radius, radius + 1, device=pixels.device)
    widths = sigmas.to(pixels.device).clamp(min=1e-3)  # so narrow that neighbours get exactly nothing
    kernels = torch.exp(-0.5 * (steps / widths[:, None]).square()).to(pixels.dtype)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).repeat_interleave(pixels.shape[1], dim=0)
    planes = pixels.flatten(0, 1)[None]
    planes = nn.functional.pad(planes, (radius,) * 4, mode="replicate")
    planes = nn.functional.conv2d(planes, kernels[:, None, :, None], groups=len(kernels))
    planes = nn.functional.conv2d(planes, kernels[:, None, None, :], groups=len(kernels))
    return planes.reshape(pixels.shape)
