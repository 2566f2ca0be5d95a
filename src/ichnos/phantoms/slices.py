"""Slices from planes: paint each plane at full resolution and average over the slice thickness."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ichnos.phantoms.bleed import Bleed
from ichnos.phantoms.bleed_paint import paint_bleeds
from ichnos.phantoms.distractors import Distractors, paint_distractors
from ichnos.phantoms.fields import Field
from ichnos.phantoms.grid import Grid
from ichnos.phantoms.look_alike import LookAlike, paint_look_alikes
from ichnos.phantoms.structures import Structure, paint_structures
from ichnos.phantoms.template import Subject
from ichnos.phantoms.tissue import Image, Plane, Radiodensity, paint_plane

Volume = Float[np.ndarray, "slices rows columns"]


@dataclass(frozen=True)
class Content:
    """What is in a head, ready to be painted.

    Attributes:
        fields: on the lattice; a bleed's region is `bleed-0`, `bleed-1`, ...
        hu: densities of the tissues.
        bleeds: in the order in which they claim voxels.
        distractors: of this head.
        background: air with table and head-rest, one image for all slices.
        textures: fine texture images, blended from slice to slice.
        structures: of this head; the region of one is `structure-0`, `structure-1`, ...
        subject: the template bent into this head; none where all is drawn from functions.
        look_alikes: of this head; the region of one is `alike-0`, `alike-1`, ...
    """

    fields: dict[str, Field]
    hu: Radiodensity
    bleeds: tuple[Bleed, ...]
    distractors: Distractors
    background: Image
    textures: Float[np.ndarray, "textures rows columns"]
    structures: tuple[Structure, ...] = ()
    subject: Subject | None = None
    look_alikes: tuple[LookAlike, ...] = ()


@dataclass(frozen=True)
class Layers:
    """Painted slices.

    Attributes:
        voxels_hu: before blur and noise.
        cavity: share of each voxel inside the inner table.
        bleeds: share of each voxel that is blood, by subtype.
    """

    voxels_hu: Volume
    cavity: Volume
    bleeds: dict[str, Volume]


def paint_slices(grid: Grid, content: Content) -> Layers:
    """Paint all slices."""
    shape = grid.geometry.shape
    voxels_hu = np.broadcast_to(content.background, shape).copy()
    layers = Layers(
        voxels_hu=voxels_hu,
        cavity=np.zeros(shape, np.float32),
        bleeds={bleed.subtype: np.zeros(shape, np.float32) for bleed in content.bleeds},
    )
    for z in range(shape[0]):
        voxels_hu[z] = 0.0
        texture = _texture(content, z)
        for plane_index in range(grid.planes):
            plane = Plane(grid, content.fields, z * grid.planes + plane_index, texture, content.subject)
            _add_plane(layers, z, plane, content, 1.0 / grid.planes)
    return layers


def _texture(content: Content, z: int) -> Image:
    count = len(content.textures)
    angle = np.float32(0.9 * z)
    return content.textures[z % count] * np.cos(angle) + content.textures[(z + 1) % count] * np.sin(angle)


def _add_plane(layers: Layers, z: int, plane: Plane, content: Content, weight: float) -> None:
    window = plane.window
    image = paint_plane(plane, content.hu, content.background[window])
    image = paint_structures(image, plane, content.structures)
    image = paint_distractors(image, plane, content.distractors)
    image = paint_look_alikes(image, plane, content.look_alikes)
    image, shares = paint_bleeds(image, plane, content.bleeds, content.hu)
    for subtype, share in shares:
        layers.bleeds[subtype][z][window] += weight * share
    canvas = content.background * weight
    canvas[window] = image * weight
    layers.voxels_hu[z] += canvas
    layers.cavity[z][window] += weight * plane.inside(plane["cavity"])
