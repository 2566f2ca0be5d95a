"""How fast slices are augmented, beside MONAI's equivalent transforms as they are usually run.

Ours changes a whole batch of tensors at once; MONAI's transforms are composed and called for each
slice, as its data sets do. Both are measured in turn in one run, so that the ratios hold on a busy
machine too. MONAI's contrast is a gamma, so its scale of intensities stands for ours.

Goal: at least 3 times as fast.

Run: python benchmarks/augmentation.py [--slices 16] [--threads 2] [--rounds 15]
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch
from monai.transforms.compose import Compose
from monai.transforms.croppad.dictionary import RandSpatialCropd
from monai.transforms.intensity.dictionary import (
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandShiftIntensityd,
)
from monai.transforms.spatial.dictionary import RandAffined, RandFlipd, Resized
from torch import Tensor

from ichnos.preprocessing.augmentation import AUGMENTATIONS


def affine(size: int, degrees: float, scale: float, shift: float, probability: float = 1.0) -> RandAffined:
    return RandAffined(
        ["pixels", "masks"],
        prob=probability,
        rotate_range=math.radians(degrees),
        translate_range=(shift * size, shift * size),
        scale_range=(scale, scale),
        mode=("bilinear", "nearest"),
        padding_mode=("border", "zeros"),
    )


def monai_equivalents(size: int) -> dict[str, Compose]:
    both = ["pixels", "masks"]
    flip = RandFlipd(both, prob=0.5, spatial_axis=1)
    return {
        "label-efficient": Compose([affine(size, 15, 0.1, 0.1), flip]),
        "hgi-sam": Compose(
            [
                flip,
                affine(size, 45, 0.1, 0.1, 0.5),
                RandGaussianNoised("pixels", prob=0.5, std=0.1),
            ]
        ),
        "global-contrastive": Compose(
            [
                affine(size, 90, 0.2, 0.15),
                flip,
                RandScaleIntensityd("pixels", factors=(-0.5, 0.4), prob=0.5),
                RandShiftIntensityd("pixels", offsets=0.25, prob=0.5),
                RandGaussianSmoothd("pixels", sigma_x=(0.1, 1.5), sigma_y=(0.1, 1.5), prob=0.5),
                RandSpatialCropd(both, roi_size=int(size * math.sqrt(0.5)), max_roi_size=size, random_size=True),
                Resized(both, (size, size), mode=("bilinear", "nearest")),
            ]
        ),
    }


def seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def compare(name: str, pixels: Tensor, masks: Tensor, rounds: int) -> tuple[float, float]:
    """Median seconds for the batch, ours and MONAI's; each round draws anew how much is to be done."""
    transforms = monai_equivalents(pixels.shape[-1])[name]
    transforms.set_random_state(0)
    generator = torch.Generator().manual_seed(0)

    def ours() -> object:
        return AUGMENTATIONS[name].apply_with_masks(pixels, masks, generator)

    def theirs() -> object:
        cases = [{"pixels": one, "masks": mask[None]} for one, mask in zip(pixels, masks, strict=True)]
        changed = [transforms(case) for case in cases]
        return torch.stack([case["pixels"] for case in changed]), torch.stack([case["masks"] for case in changed])

    ours(), theirs()
    taken = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return statistics.median(one for one, _ in taken), statistics.median(other for _, other in taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slices", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.slices} slices with masks, {options.threads} threads; slices per second")
    for name, size, channels in (("label-efficient", 256, 1), ("hgi-sam", 384, 3), ("global-contrastive", 256, 1)):
        generator = torch.Generator().manual_seed(1)
        pixels = torch.rand(options.slices, channels, size, size, generator=generator)
        ours, theirs = compare(name, pixels, pixels[:, 0] > 0.9, options.rounds)
        print(
            f"{name}, {channels} x {size} x {size}: ours {options.slices / ours:.0f}, "
            f"MONAI {options.slices / theirs:.0f}, ratio {theirs / ours:.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
