"""Real tissue layout: the MNI152 maps of grey and white matter, bent into one subject's head.

The maps are the average of 152 brains (ICBM 152 nonlinear 2009a symmetric, Fonov et al. 2009,
doi:10.1016/S1053-8119(09)70884-5), as the wheel of nilearn carries them; axes are x to the right,
y to the front, z up, 1 mm apart, origin near the anterior commissure. Sulci that not all 152 brains
share are blurred in them: a threshold per subject makes them wide or narrow. The closed outline of
the brain, a little wider or narrower, is the cavity, so that fossae and vault have their real shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

from ichnos.errors import UsageError
from ichnos.phantoms.brain import Brain
from ichnos.phantoms.fields import Field, Noise, Points
from ichnos.phantoms.head import Head

Image = Float[np.ndarray, "rows columns"]

FIRST_MM = np.array([-78.0, -114.0, -72.0])
"""Position of the first voxel of the cropped maps, in mm of the template."""

COARSE_MM = 2.0
"""Voxel size of the distance to the outline."""

PAD = 16
"""How many of its voxels reach beyond the maps on each side."""

FRONT_MM, BACK_MM, SIDE_MM, TOP_MM = 73.0, -106.0, 70.5, 82.0
"""Where the template's brain ends."""

SAMPLED = ("tissue", "grey", "ventricles")
"""Names of what is read from the maps at full resolution."""

PLACES = ("template_x", "template_y", "template_z")
"""Names of the lattice fields that hold each node's position in the template."""


@dataclass(frozen=True)
class Template:
    """What the maps say, from `FIRST_MM` on.

    Attributes:
        grey: share of grey matter, 0 to 255, 1 mm voxels.
        tissue: share of grey and white matter, 0 to 255; the ventricles count as tissue.
        ventricles: signed distance to the ventricles in mm, below 0 inside, 1 mm voxels.
        outward: direction away from the ventricles, one component a volume, 1 mm voxels.
        outline: signed distance to the brain's closed outline in mm, `COARSE_MM` voxels.
    """

    grey: UInt8[np.ndarray, "x y z"]
    tissue: UInt8[np.ndarray, "x y z"]
    ventricles: Float[np.ndarray, "x y z"]
    outward: tuple[Float[np.ndarray, "x y z"], Float[np.ndarray, "x y z"], Float[np.ndarray, "x y z"]]
    outline: Float[np.ndarray, "u v w"]


@cache
def load_template() -> Template:
    """Read the maps once per process, in about 2 s.

    Raises:
        UsageError: nilearn, whose wheel carries the maps, is not installed.
    """
    import nibabel

    grey, white, t1 = (
        np.asarray(nibabel.load(path).dataobj)[20:177, 20:215, :162]  # type: ignore[attr-defined]
        for path in _paths()
    )
    tissue = np.minimum(grey.astype(np.uint16) + white, 255).astype(np.uint8)
    mask = t1 > 0
    ventricles = _find_ventricles((tissue < 128) & mask)
    away = ndimage.gaussian_filter(_signed(ventricles), 0.8)
    smooth = ndimage.gaussian_filter(away, 1.5)
    tissue[away < 3.0] = np.maximum(tissue[away < 3.0], 250)
    outward = np.gradient(smooth)
    return Template(grey, tissue, away, (outward[0], outward[1], outward[2]), _outline(mask[::2, ::2, ::2]))


def _paths() -> tuple[Path, ...]:
    found = find_spec("nilearn")
    if found is None or not found.submodule_search_locations:
        raise UsageError("feature template needs the MNI152 maps of nilearn: pip install 'ichnos[template]'")
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    return tuple(folder / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz" for name in ("gm", "wm", "t1"))


def _find_ventricles(fluid: np.ndarray) -> np.ndarray:
    """The lateral ventricles are a region of their own; third and fourth open into cisterns."""
    parts, _ = ndimage.label(fluid)
    x, y, z = (axis + first for axis, first in zip(np.ogrid[:157, :195, :162], FIRST_MM, strict=True))
    body = parts[(abs(x) < 16) & (abs(y - 10) < 10) & (abs(z - 14) < 8)]  # around the frontal horns
    lateral = parts == np.bincount(body[body > 0]).argmax()
    third = (x / 5.0) ** 2 + ((y + 14.0) / 17.0) ** 2 + ((z + 2.0) / 11.0) ** 2 < 1.0
    fourth = (x / 10.0) ** 2 + ((y + 43.0) / 7.0) ** 2 + ((z + 32.0) / 14.0) ** 2 < 1.0
    return np.asarray(lateral | (fluid & (third | fourth)))


def _outline(mask: np.ndarray) -> np.ndarray:
    """Signed distance to the mask with its gaps closed: up to 12 mm at the base, 48 mm in the vault."""
    mask = np.pad(mask, PAD)
    away = ndimage.distance_transform_edt(~mask)
    base, vault = (
        ndimage.gaussian_filter(_signed(ndimage.distance_transform_edt(away < reach) > reach), smooth)
        for reach, smooth in ((3.0, 0.8), (12.0, 2.0))
    )
    _, y, z = (
        COARSE_MM * (axis - PAD) + first
        for axis, first in zip(np.ogrid[tuple(slice(n) for n in mask.shape)], FIRST_MM, strict=True)
    )
    above = np.clip((z - np.clip(-0.4 * (y + 70.0), -25.0, 0.0) + 5.0) / 25.0, 0.0, 1.0)
    return np.asarray((base + above * (vault - base)) * COARSE_MM, np.float32)


def _signed(inside: np.ndarray) -> np.ndarray:
    distance = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    return np.asarray(distance, np.float32)


@dataclass(frozen=True)
class Subject:
    """How the template is bent into one head, and how its soft maps are cut.

    Attributes:
        template: the maps.
        scale: template mm per mm of the head, along x, y and z.
        shift_mm: template position of the centre of the head.
        lean: shear of y on x and z, and of z on y.
        coarse, fine: noise that moves places, 60 and 16 mm wide.
        coarse_mm, fine_mm: by how much.
        spare_mm: by how much the cavity is wider than the brain's outline.
        ventricle_mm: by how much the ventricles' walls are moved out.
        skew_mm: by how much more on the right than on the left.
        cut: share of tissue below which a place is fluid; more where `openness` is.
        soft_mm: width over which the maps go from fluid to tissue.
    """

    template: Template
    scale: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    lean: tuple[float, float, float]
    coarse: tuple[Noise, Noise, Noise]
    fine: tuple[Noise, Noise, Noise]
    coarse_mm: float
    fine_mm: float
    spare_mm: float
    ventricle_mm: float
    skew_mm: float
    cut: float
    soft_mm: float


def draw_subject(rng: np.random.Generator, head: Head, brain: Brain) -> Subject:
    """Fit the template to a head's size and a brain's atrophy, and bend it."""
    wide = SIDE_MM / head.half_width_mm
    long = (FRONT_MM - BACK_MM) / (head.front_mm + head.back_mm)
    tall = 0.5 * (wide + long) * float(rng.normal(1.0, 0.025))
    stretch = rng.normal(1.0, 0.015, 2)
    return Subject(
        template=load_template(),
        scale=(wide * float(stretch[0]), long * float(stretch[1]), tall),
        shift_mm=(float(rng.normal(0.0, 1.0)), FRONT_MM - long * head.front_mm, TOP_MM - tall * head.top_mm),
        lean=(float(rng.normal(0.0, 0.02)), float(rng.normal(0.0, 0.04)), float(rng.normal(0.0, 0.04))),
        coarse=(Noise.draw(rng, 60.0, 12), Noise.draw(rng, 60.0, 12), Noise.draw(rng, 60.0, 12)),
        fine=(Noise.draw(rng, 16.0), Noise.draw(rng, 16.0), Noise.draw(rng, 16.0)),
        coarse_mm=float(rng.uniform(1.0, 3.0)),
        fine_mm=float(rng.uniform(0.6, 1.8)),
        spare_mm=float(rng.uniform(-1.2, 0.6)) + 4.5 * min(brain.atrophy, 1.2) ** 2,
        ventricle_mm=8.0 * (brain.ventricle_scale - 0.95),
        skew_mm=4.0 * brain.ventricle_skew,
        cut=float(rng.uniform(0.22, 0.42)) + 0.34 * min(brain.atrophy, 1.2),
        soft_mm=float(rng.uniform(2.5, 6.0)),
    )


def hull_distance(subject: Subject, points: Points) -> Field:
    """Signed distance to the cavity that fits the template's brain, in mm; below 0 inside."""
    places = _bent(subject, points, fine=False)
    first = FIRST_MM / COARSE_MM - PAD
    distance = _sample(subject.template.outline, [p / COARSE_MM - f for p, f in zip(places, first, strict=True)])
    return distance * np.float32(1.0 / float(np.mean(subject.scale))) - np.float32(subject.spare_mm)


def template_fields(
    subject: Subject, points: Points, openness: Field, opened_mm: Field | np.floating | float = 0.0
) -> dict[str, Field]:
    """Lattice fields of a template brain; each replaces the one of the same name in `brain`.

    Args:
        subject: how the template is bent.
        points: where.
        openness: how open sulci are, about -2 to 2.
        opened_mm: by how much the ventricles' walls are moved out beyond the subject's own.

    Returns:
        template_x, template_y, template_z: positions in the template, in mm; cut: share of tissue
        below which a place is fluid; midline: signed distance to the middle; ventricles: signed
        distance; gap: width of the CSF under the skull that holds everywhere.
    """
    places = _bent(subject, points, fine=True)
    voxels: list[Field] = [p - np.float32(f) for p, f in zip(places, FIRST_MM, strict=True)]
    away = _sample(subject.template.ventricles, voxels)
    reach = np.exp(-np.abs(away) * np.float32(1 / 12.0))
    own_mm = np.float32(subject.ventricle_mm) + np.float32(subject.skew_mm) * np.tanh(places.x / np.float32(8.0))
    push = np.minimum(reach * (own_mm + opened_mm), np.maximum(away + 2.0, 0.0))  # not across to the other wall
    pushed = [v - push * _sample(axis, voxels) for v, axis in zip(voxels, subject.template.outward, strict=True)]
    found = {name: v + np.float32(f) for name, v, f in zip(PLACES, pushed, FIRST_MM, strict=True)}
    return found | {
        "cut": np.float32(subject.cut) + np.float32(0.09) * openness,
        "midline": places.x * np.float32(1.0 / subject.scale[0]),
        "ventricles": _sample(subject.template.ventricles, pushed),
        "gap": np.full_like(points.x, 0.2 + max(subject.spare_mm, 0.0) * 0.5),
    }


def sample_template(
    subject: Subject, places: list[Image], wanted: Bool[np.ndarray, "rows columns"]
) -> dict[str, Image]:
    """The maps at full resolution.

    Args:
        subject: which template, and how soft.
        places: positions of the pixels in the template, x, y and z, in mm.
        wanted: pixels that matter; the others are fluid, far from the ventricles.

    Returns:
        tissue: share of grey and white matter, 0 to 1; grey: share of grey matter in the tissue;
        ventricles: signed distance in mm.
    """
    voxels = [place[wanted] - np.float32(first) for place, first in zip(places, FIRST_MM, strict=True)]
    template = subject.template
    tissue, grey, away = (_sample(volume, voxels) for volume in (template.tissue, template.grey, template.ventricles))
    values = {
        "tissue": (tissue / 255.0, 0.0),
        "grey": (grey / np.maximum(tissue, 64.0), 1.0),
        "ventricles": (away, 40.0),
    }
    found = {}
    for name, (value, elsewhere) in values.items():
        found[name] = np.full(wanted.shape, elsewhere, np.float32)
        found[name][wanted] = value
    return found


def _bent(subject: Subject, points: Points, fine: bool) -> Points:
    x, y, z = (
        p * np.float32(scale) + np.float32(shift)
        for p, scale, shift in zip(points, subject.scale, subject.shift_mm, strict=True)
    )
    sideways, turn, pitch = (np.float32(value) for value in subject.lean)
    x, y, z = x + sideways * y * 0.3, y + turn * x * 0.5, z + pitch * y
    moves: list[Field] = [noise.at(points) * np.float32(subject.coarse_mm) for noise in subject.coarse]
    if fine:
        moves = [
            m + noise.at(points) * np.float32(subject.fine_mm) for m, noise in zip(moves, subject.fine, strict=True)
        ]
    return Points(x + 0.6 * moves[0], y + moves[1], z + moves[2])


def _sample(volume: np.ndarray, voxels: Sequence[np.ndarray]) -> np.ndarray:
    return ndimage.map_coordinates(
        volume, np.stack(voxels), output=np.float32, order=1, mode="nearest", prefilter=False
    )
