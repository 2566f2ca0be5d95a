"""Random changes of training slices that keep their label; a mask goes along with its slice.

Everything is drawn per slice from one generator and done on whole batches. The geometric changes are
one, so that a slice is interpolated once, where the released codes do so up to four times.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Bool, Float, Shaped
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NonNegativeFloat
from torch import Tensor

from ichnos.preprocessing.blur import blur_slices
from ichnos.preprocessing.warp import Warp, crop, lies_inside, make_matrices, plan_warp, warp_masks, warp_pixels


def _check_ascending(span: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= span[0] <= span[1]:
        raise ValueError(f"{span[0]} to {span[1]} is not an ascending range of numbers from 0")
    return span


Span = Annotated[tuple[float, float], AfterValidator(_check_ascending)]
"""The lowest and the highest number that is drawn."""


def _check_positive(span: tuple[float, float]) -> tuple[float, float]:
    if not span[0]:
        raise ValueError("a crop cannot be empty; the range must begin above 0")
    return span


PositiveSpan = Annotated[Span, AfterValidator(_check_positive)]

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass(frozen=True)
class Views:
    """Two random changes of the same slices.

    Attributes:
        first: one.
        second: the other.
        is_inside: pixels that in both views show the slice and not what goes on beyond its edge.
    """

    first: Float[Tensor, "slices channels rows columns"]
    second: Float[Tensor, "slices channels rows columns"]
    is_inside: Bool[Tensor, "slices rows columns"]


class Augmentation(BaseModel):
    """How much a slice may change. Shift, rotation, size, flip and crop come first, in that order, then the rest.

    Attributes:
        flip: probability of a left-right flip.
        affine: probability that shift, rotation and size change at all.
        rotation_degrees: largest rotation, either way.
        scale: largest relative change of size, either way.
        shift: largest translation as a fraction of the image, either way.
        crop_area: fractions of the area of which the rest is cropped away; what remains fills the slice.
        crop_ratio: width by height of the crop, on a slice that is square.
        contrast: factors of the intensities.
        contrast_about: what the factor leaves as it is: 0, as in the second paper's code, or the
            mean of each channel of the slice.
        contrast_probability: of a change of contrast.
        brightness: largest number that is added to the intensities, either way.
        brightness_probability: of a change of brightness.
        blur: standard deviations of a Gaussian blur, pixels.
        blur_probability: of a blur.
        noise: largest standard deviation of Gaussian noise on standardised channels.
        noise_probability: of noise.
        clip: lowest and highest intensity after contrast and after brightness.

    The first paper flips, rotates and adds noise (Rasoulian et al. 2023, 4.2) without saying how
    much; its code rotates by 45 degrees, scales by 0.1 and adds noise up to 0.1 on [0, 1].
    `AUGMENTATIONS` has the settings of both papers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: Probability = 0.5
    affine: Probability = 1.0
    rotation_degrees: NonNegativeFloat = 15.0
    scale: float = Field(default=0.1, ge=0.0, lt=1.0)
    shift: NonNegativeFloat = 0.05
    crop_area: PositiveSpan | None = None
    crop_ratio: PositiveSpan = (1.0, 1.0)
    contrast: Span | None = None
    contrast_about: Literal["zero", "mean"] = "zero"
    contrast_probability: Probability = 0.5
    brightness: NonNegativeFloat = 0.0
    brightness_probability: Probability = 0.5
    blur: Span | None = None
    blur_probability: Probability = 0.5
    noise: NonNegativeFloat = 0.1
    noise_probability: Probability = 1.0
    clip: tuple[float, float] | None = None

    def apply(
        self, pixels: Float[Tensor, "slices channels rows columns"], generator: torch.Generator
    ) -> Float[Tensor, "slices channels rows columns"]:
        """Change each slice by its own draw; channels of a slice change alike."""
        warp = self.draw_warp(pixels, generator)
        return self.change_intensity(warp_pixels(pixels, warp), generator)

    def apply_with_masks(
        self,
        pixels: Float[Tensor, "slices channels rows columns"],
        masks: Shaped[Tensor, "slices rows columns"],
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, "slices channels rows columns"], Shaped[Tensor, "slices rows columns"]]:
        """Change each slice, and its mask by the same shift, rotation, size, flip and crop.

        Masks are sampled at the nearest pixel and never blurred, so that each value was there before.
        The slices change as `apply` would change them.
        """
        warp = self.draw_warp(pixels, generator)
        return self.change_intensity(warp_pixels(pixels, warp), generator), warp_masks(masks, warp)

    def make_views(
        self,
        pixels: Float[Tensor, "slices channels rows columns"],
        generator: torch.Generator,
        *,
        shared_geometry: bool = False,
    ) -> Views:
        """Change each slice twice.

        Args:
            pixels: slices.
            generator: of all draws.
            shared_geometry: one shift, rotation, size, flip and crop for both views, so that equal
                places show equal tissue, and different intensities.
        """
        warp = self.draw_warp(pixels, generator)
        others = warp if shared_geometry else self.draw_warp(pixels, generator)
        moved = warp_pixels(pixels, warp)
        moved_again = moved if shared_geometry else warp_pixels(pixels, others)
        return Views(
            first=self.change_intensity(moved, generator),
            second=self.change_intensity(moved_again, generator),
            is_inside=lies_inside(warp) & lies_inside(others),
        )

    def draw_warp(self, pixels: Float[Tensor, "slices channels rows columns"], generator: torch.Generator) -> Warp:
        """The geometric change of each slice."""
        count, size = len(pixels), (pixels.shape[2], pixels.shape[3])
        angle = _draw_either_way(count, math.radians(self.rotation_degrees), generator)
        zoom = 1 + _draw_either_way(count, self.scale, generator)
        mirror = torch.where(_draw(count, generator) < self.flip, -1.0, 1.0)
        shift = torch.stack([_draw_either_way(count, self.shift, generator) for _ in range(2)], dim=1)
        if self.affine < 1:
            is_moved = _draw(count, generator) < self.affine
            angle, zoom = angle * is_moved, torch.where(is_moved, zoom, 1.0)
            shift = shift * is_moved[:, None]
        matrices = make_matrices(angle, zoom, mirror, shift, size)
        if self.crop_area is not None:
            matrices = self._draw_crop(matrices, self.crop_area, generator)
        return plan_warp(matrices, size, pixels.device)

    def change_intensity(
        self, pixels: Float[Tensor, "slices channels rows columns"], generator: torch.Generator
    ) -> Float[Tensor, "slices channels rows columns"]:
        """Contrast, brightness, blur and noise of each slice by its own draw."""
        if self.contrast is not None:
            pixels = self._clip(self._draw_contrast(pixels, self.contrast, generator))
        if self.brightness:
            added = _draw_either_way(len(pixels), self.brightness, generator)
            added = added * (_draw(len(pixels), generator) < self.brightness_probability)
            pixels = self._clip(pixels + _per_slice(added, pixels))
        if self.blur is not None:
            is_blurred = _draw(len(pixels), generator) < self.blur_probability
            pixels = blur_slices(pixels, _draw_span(len(pixels), self.blur, generator) * is_blurred)
        return self._add_noise(pixels, generator) if self.noise else pixels

    def _draw_crop(
        self, matrices: Float[Tensor, "slices 2 3"], area: tuple[float, float], generator: torch.Generator
    ) -> Float[Tensor, "slices 2 3"]:
        areas, ratios = (_draw_span(len(matrices), span, generator) for span in (area, self.crop_ratio))
        part = torch.stack([areas * ratios, areas / ratios], dim=1).sqrt().clamp(max=1.0)
        places = torch.rand(len(matrices), 2, generator=generator, device=generator.device) * 2 - 1
        return crop(matrices, part, places * (1 - part))

    def _draw_contrast(
        self,
        pixels: Float[Tensor, "slices channels rows columns"],
        span: tuple[float, float],
        generator: torch.Generator,
    ) -> Float[Tensor, "slices channels rows columns"]:
        is_changed = _draw(len(pixels), generator) < self.contrast_probability
        factors = _per_slice(torch.where(is_changed, _draw_span(len(pixels), span, generator), 1.0), pixels)
        if self.contrast_about == "zero":
            return pixels * factors
        mean = pixels.mean(dim=(2, 3), keepdim=True)
        return mean + (pixels - mean) * factors

    def _clip(
        self, pixels: Float[Tensor, "slices channels rows columns"]
    ) -> Float[Tensor, "slices channels rows columns"]:
        return pixels if self.clip is None else pixels.clamp(*self.clip)

    def _add_noise(
        self, pixels: Float[Tensor, "slices channels rows columns"], generator: torch.Generator
    ) -> Float[Tensor, "slices channels rows columns"]:
        deviation = _draw(len(pixels), generator) * self.noise
        chosen = torch.arange(len(pixels), device=generator.device)
        if self.noise_probability < 1:
            chosen = chosen[_draw(len(pixels), generator) < self.noise_probability]
        noise = torch.randn(len(chosen), *pixels.shape[1:], generator=generator, device=generator.device)
        noise *= deviation[chosen, None, None, None]
        return pixels.index_add(0, chosen.to(pixels.device), noise.to(pixels.device))


def _draw(count: int, generator: torch.Generator) -> Float[Tensor, " slices"]:
    return torch.rand(count, generator=generator, device=generator.device)


def _draw_either_way(count: int, limit: float, generator: torch.Generator) -> Float[Tensor, " slices"]:
    return (_draw(count, generator) * 2 - 1) * limit


def _draw_span(count: int, span: tuple[float, float], generator: torch.Generator) -> Float[Tensor, " slices"]:
    return span[0] + _draw(count, generator) * (span[1] - span[0])


def _per_slice(
    values: Float[Tensor, " slices"], pixels: Float[Tensor, "slices channels rows columns"]
) -> Float[Tensor, "slices 1 1 1"]:
    return values.to(pixels.device)[:, None, None, None]


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": Augmentation(flip=0, rotation_degrees=0, scale=0, shift=0, noise=0),
    "hgi-sam": Augmentation(affine=0.5, rotation_degrees=45, scale=0.1, shift=0.1, noise=0.1, noise_probability=0.5),
    "hgi-sam-reference": Augmentation(
        affine=0.5, rotation_degrees=45, scale=0.1, shift=0, noise=0.1, noise_probability=0.5
    ),
    "label-efficient": Augmentation(rotation_degrees=15, scale=0.1, shift=0.1, noise=0),
    "global-contrastive": Augmentation(
        rotation_degrees=90,
        scale=0.2,
        shift=0.15,
        crop_area=(0.5, 1.0),
        crop_ratio=(0.8, 1.25),
        contrast=(0.5, 1.4),
        brightness=0.25,
        blur=(0.1, 1.5),
        noise=0,
        clip=(0.0, 1.0),
    ),
    "local-contrastive": Augmentation(
        flip=0,
        rotation_degrees=45,
        scale=0.2,
        shift=0.15,
        crop_area=(0.7, 1.0),
        crop_ratio=(0.8, 1.25),
        contrast=(0.7, 1.3),
        brightness=0.25,
        blur=(0.1, 1.5),
        noise=0,
        clip=(0.0, 1.0),
    ),
}
"""Settings of both papers, for channels in [0, 1].

`hgi-sam`: the first paper's as its code has them, but the shift of 0.1 is a tenth of the slice, as
surely meant, and not a tenth of a pixel; `hgi-sam-reference` keeps the pixel, that is, no shift.
`label-efficient`: the second paper's for masks (2.3). `global-contrastive` and `local-contrastive`:
T_G and T_L of its section 2.4, which does not say how much contrast, brightness, blur and crop
change; these magnitudes are those of its code, and where T_L has none there (brightness), T_G's. Its
shift of "0.15 %" in T_L is read as 15 %.
"""
