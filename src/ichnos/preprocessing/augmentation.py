"""Random changes of training slices that keep their label."""

import math

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat
from torch import Tensor, nn


class Augmentation(BaseModel):
    """How much a slice may change.

    Attributes:
        flip: probability of a left-right flip.
        rotation_degrees: largest rotation, either way.
        scale: largest relative change of size, either way.
        shift: largest translation as a fraction of the image, either way.
        noise: largest standard deviation of Gaussian noise on standardised channels.

    The first paper flips, rotates and adds noise (Rasoulian et al. 2023, 3.3) without saying how
    much; its code rotates by 45 degrees, scales by 0.1 and adds noise up to 0.1 on [0, 1].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: float = Field(default=0.5, ge=0.0, le=1.0)
    rotation_degrees: NonNegativeFloat = 15.0
    scale: float = Field(default=0.1, ge=0.0, lt=1.0)
    shift: NonNegativeFloat = 0.05
    noise: NonNegativeFloat = 0.1

    def apply(
        self, pixels: Float[Tensor, "slices channels rows columns"], generator: torch.Generator
    ) -> Float[Tensor, "slices channels rows columns"]:
        """Change each slice by its own draw; channels of a slice change alike."""
        count = len(pixels)

        def draw(limit: float) -> Tensor:
            return (torch.rand(count, generator=generator) * 2 - 1) * limit

        angle = draw(math.radians(self.rotation_degrees))
        zoom = 1 + draw(self.scale)
        mirror = torch.where(torch.rand(count, generator=generator) < self.flip, -1.0, 1.0)
        cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        across = torch.stack([cosine * mirror, -sine, draw(2 * self.shift)], dim=1)
        down = torch.stack([sine * mirror, cosine, draw(2 * self.shift)], dim=1)
        turned = torch.stack([across, down], dim=1).to(pixels.device)
        places = nn.functional.affine_grid(turned, list(pixels.shape), align_corners=False)
        moved = nn.functional.grid_sample(pixels, places, padding_mode="border", align_corners=False)
        deviation = torch.rand(count, 1, 1, 1, generator=generator) * self.noise
        return moved + (torch.randn(pixels.shape, generator=generator) * deviation).to(pixels.device)
