"""Blood into a painted plane: which space it fills, its density, its halo."""

import numpy as np

from ichnos.phantoms.bleed import Bleed
from ichnos.phantoms.tissue import Image, Plane, Radiodensity, csf_distance, mix, under_table


def paint_bleeds(
    image: Image, plane: Plane, bleeds: tuple[Bleed, ...], hu: Radiodensity
) -> tuple[Image, list[tuple[str, Image]]]:
    """Put bleeds into the image of a plane.

    Args:
        image: the plane without blood.
        plane: where.
        bleeds: in the order in which they claim voxels.
        hu: densities of the tissues.

    Returns:
        the image with blood, and for each bleed that the plane meets its subtype and its share of each pixel.
    """
    free = np.ones_like(image)
    shares = []
    for index, bleed in enumerate(bleeds):
        name = f"bleed-{index}"
        if not plane.meets(name, 8.0 + bleed.oedema_mm):
            continue
        distance = filled_distance(bleed, plane[name], plane)
        image = image - free * _oedema(image, plane, index, bleed, hu) if bleed.oedema_mm > 0.5 else image
        share = np.minimum(plane.inside(distance, bleed.edge_mm), free)
        free = free - share
        image = mix(image, under_table(plane, _blood(plane, index, bleed)), share)
        shares.append((bleed.subtype, share))
    return image, shares


def filled_distance(bleed: Bleed, region: Image, plane: Plane) -> Image:
    """Cut a bleed's region by the space that its subtype can fill."""
    inside = plane["cavity"]
    if bleed.subtype == "intraventricular":
        return np.maximum(region, plane["ventricles"])
    if bleed.subtype == "subarachnoid":
        return np.maximum(np.maximum(region, csf_distance(plane, widened_mm=bleed.widened_mm)), inside + bleed.off_mm)
    if bleed.subtype == "intraparenchymal":
        brain = np.maximum(region, inside + plane["gap"] + 0.5)
        return brain if bleed.breaks_in else np.maximum(brain, -plane["ventricles"])
    return np.maximum(region, inside)


def _blood(plane: Plane, index: int, bleed: Bleed) -> Image:
    hu: Image | float = bleed.hu
    if bleed.level is not None:
        hu = bleed.upper_hu + (bleed.hu - bleed.upper_hu) * plane.inside(plane[f"level-{index}"], 1.0)
    blood = hu + bleed.unrest_hu * plane.grain + plane["drift"]
    return blood + plane[f"shade-{index}"] if bleed.shade is not None else blood


def _oedema(image: Image, plane: Plane, index: int, bleed: Bleed, hu: Radiodensity) -> Image:
    """How much darker the tissue around a bleed is; a halo spreads along white matter and leaves fluid as it is."""
    brain = plane.inside(plane["cavity"] + 2.0)
    if bleed.halo is None:
        return bleed.oedema_hu * (plane.inside((plane[f"bleed-{index}"] - bleed.oedema_mm) * 0.4) * brain)
    white = np.clip((hu.grey - image) * (1.0 / (hu.grey - hu.white)), 0.0, 1.0)
    halo = plane.inside(plane[f"halo-{index}"], 4.0) * brain * (0.3 + 0.7 * white)
    return np.minimum(bleed.oedema_hu * halo, np.maximum(image - np.float32(hu.cerebrospinal + 4.0), 0.0))
