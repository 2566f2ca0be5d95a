"""From painted slices to a scan: the first version's scanner, and the features that go further."""

import numpy as np

from ichnos.phantoms.artefacts import deface, draw_motion, move, strike
from ichnos.phantoms.export import draw_export, export, pad, shift_hu
from ichnos.phantoms.features import Features
from ichnos.phantoms.grid import Grid
from ichnos.phantoms.kernels import add_noise, draw_kernel, reconstruct, without_grain
from ichnos.phantoms.scanner import HIGHEST_HU, Scanner, Volume, take_scan
from ichnos.phantoms.slices import Layers
from ichnos.scans.scan import AIR_HU


def image_scan(features: Features, scanner: Scanner, layers: Layers, grid: Grid, rng: np.random.Generator) -> Volume:
    """Image painted slices; without features of the scanner, `scanner.take_scan`.

    Args:
        features: of the phantom.
        scanner: of the first version.
        layers: painted slices.
        grid: where they lie.
        rng: for the noise of the first version alone.
    """
    voxels_hu = _disturbed(features, layers, grid)
    voxels_hu = _reconstruct(features, scanner, voxels_hu, grid, rng)
    if "defaced" in features:
        voxels_hu = deface(features.stream("defaced"), voxels_hu, grid, layers.cavity)
    if "shifted-hu" in features:
        voxels_hu = shift_hu(features.stream("shifted-hu"), voxels_hu)
    if "padding" in features:
        voxels_hu = pad(features.stream("padding"), voxels_hu)
    if "exported" in features:
        voxels_hu = export(draw_export(features.stream("exported")), voxels_hu)
    return voxels_hu


def _disturbed(features: Features, layers: Layers, grid: Grid) -> Volume:
    voxels_hu = layers.voxels_hu
    if "motion" in features:
        voxels_hu = move(draw_motion(features.stream("motion"), grid), voxels_hu)
    if "bright-bone-streaks" in features:
        voxels_hu = strike(features.stream("bright-bone-streaks"), voxels_hu, grid)
    return voxels_hu


def _reconstruct(
    features: Features, scanner: Scanner, voxels_hu: Volume, grid: Grid, rng: np.random.Generator
) -> Volume:
    if "kernel" not in features:
        return take_scan(scanner, voxels_hu, grid, rng)
    stream = features.stream("kernel")
    kernel = draw_kernel(stream)
    voxels_hu = take_scan(without_grain(scanner), reconstruct(kernel, voxels_hu), grid, rng)
    return np.clip(np.round(add_noise(kernel, voxels_hu, grid, stream)), AIR_HU, HIGHEST_HU)
