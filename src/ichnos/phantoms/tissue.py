"""From fields to Hounsfield units, one plane at a time at full resolution.

Every boundary is cut where a field crosses zero, softened over one pixel, so that a pixel that
holds two tissues shows their average.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

from ichnos.phantoms.fields import Field
from ichnos.phantoms.grid import Grid
from ichnos.phantoms.template import PLACES, SAMPLED, Subject, sample_template

Image = Float[np.ndarray, "rows columns"]


@dataclass(frozen=True)
class Radiodensity:
    """HU of a scan's tissues; the defaults of the draws are typical textbook values at 120 kV.

    Attributes:
        grey, white, cerebrospinal, dura, vein: inside the cavity.
        table, diploe, suture: of the skull. muscle, fat, skin: outside it.
        rim: rise right under the skull, and `rim_mm`, over which it decays: beam hardening,
            blooming and dura, which real scans show on every slice.
        cup, cup_mm: a wider and weaker rise towards the skull (cupping that was not corrected).
        vertex: rise towards the vertex, where there is more bone than brain in the beam.
        ageing: darkening of the white matter next to the ventricles.
        core: darkening of the white matter deep inside, where less cortex is averaged in.
    """

    grey: float
    white: float
    cerebrospinal: float
    dura: float
    vein: float
    table: float
    diploe: float
    suture: float
    muscle: float
    fat: float
    skin: float
    rim: float
    rim_mm: float
    cup: float
    cup_mm: float
    vertex: float
    ageing: float
    core: float


def draw_radiodensity(rng: np.random.Generator) -> Radiodensity:
    """Draw HU values."""
    white = float(rng.normal(26.5, 1.5))
    return Radiodensity(
        grey=white + float(rng.uniform(5.0, 10.5)),
        white=white,
        cerebrospinal=float(rng.uniform(2.0, 11.0)),
        dura=float(rng.uniform(42.0, 58.0)),
        vein=float(rng.uniform(46.0, 68.0)),
        table=float(rng.uniform(1000.0, 1700.0)),
        diploe=float(rng.uniform(350.0, 800.0)),
        suture=float(rng.uniform(20.0, 110.0)),
        muscle=float(rng.uniform(45.0, 65.0)),
        fat=float(rng.uniform(-105.0, -75.0)),
        skin=float(rng.uniform(35.0, 80.0)),
        rim=float(rng.uniform(2.0, 28.0)),
        rim_mm=float(rng.uniform(1.0, 4.0)),
        cup=float(rng.uniform(0.0, 15.0)),
        cup_mm=float(rng.uniform(6.0, 16.0)),
        vertex=float(rng.uniform(0.0, 18.0)),
        ageing=float(rng.uniform(0.0, 8.0)),
        core=float(rng.uniform(0.0, 6.0)),
    )


class Plane:
    """One plane of a scan: lattice fields brought to full resolution when asked for.

    Attributes:
        window: the (rows, columns) that the head touches.
        pixel_mm: pixel spacing.
        slab_mm: what the plane stands for along the slice normal.
        grain: fine texture of the same size as the window, mean 0, standard deviation 1.
        subject: the template that gives the tissues, if one does.
        bone: HU of the bone, wherever it is, once the plane is painted.
    """

    def __init__(
        self, grid: Grid, fields: dict[str, Field], index: int, texture: Image, subject: Subject | None = None
    ) -> None:
        self._fields, self._index = fields, index
        self._cache: dict[str, Image] = {}
        self.pixel_mm, self.slab_mm = grid.pixel_mm, grid.slab_mm
        self.window = _window(grid, fields["skin"][index])
        self.grain, self.subject = texture[self.window], subject
        self.bone = np.zeros_like(self.grain)
        self._enlarge = grid.enlarger(*self.window)

    def __getitem__(self, name: str) -> Image:
        if name not in self._cache:
            if self.subject and name in SAMPLED:
                places = [self._enlarge(self._fields[axis][self._index]) for axis in PLACES]
                self._cache |= sample_template(self.subject, places, self["cavity"] < 2.0)
            else:
                self._cache[name] = self._enlarge(self._fields[name][self._index])
        return self._cache[name]

    def inside(self, distance: Image, edge_mm: float = 0.0) -> Image:
        """Share of each pixel that lies where `distance` is below 0; the edge may be softer than a pixel."""
        return np.clip(np.float32(0.5) - distance * np.float32(1.0 / (self.pixel_mm + edge_mm)), 0.0, 1.0)

    def inner(self) -> Image:
        """Share of each pixel inside the inner table, which may be blunt."""
        if not self.has("blunt"):
            return self.inside(self["cavity"])
        width_mm = np.float32(self.pixel_mm) + np.maximum(self["blunt"], 0.0)
        return np.clip(np.float32(0.5) - self["cavity"] / width_mm, 0.0, 1.0)

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name in self._fields

    def meets(self, name: str, below: float = 1.0) -> bool:
        """Whether a field is there and gets below a value in this plane (judged on the lattice)."""
        return name in self._fields and bool(self._fields[name][self._index].min() < below)

    def holds(self, name: str) -> bool:
        """Whether a field gets above 0 in this plane (judged on the lattice)."""
        return bool(self._fields[name][self._index].max() > 0.0)


def _window(grid: Grid, skin: Image) -> tuple[slice, slice]:
    shape = grid.geometry.shape[1:]
    near = skin < 4.0
    spans = []
    for axis, pixels in enumerate(shape):
        hit = np.nonzero(near.any(axis=1 - axis))[0]
        first, last = (int(hit[0]), int(hit[-1])) if hit.size else (1, 1)
        spans.append(slice(max(0, (first - 2) * grid.stride), min(pixels, (last + 1) * grid.stride)))
    return spans[0], spans[1]


def draw_texture(rng: np.random.Generator, shape: tuple[int, int], pixel_mm: float) -> Image:
    """Fine texture of about 2 mm grain for diploe, air cells and muscle."""
    texture = rng.standard_normal(shape, dtype=np.float32)
    texture = ndimage.gaussian_filter(texture, 1.1 / pixel_mm, mode="wrap", truncate=3.0)
    return texture / (texture.std() + np.float32(1e-6))


def mix(base: Image, tissue: Image | float, share: Image) -> Image:
    """Blend a tissue into an image."""
    return base + share * (tissue - base)


def under_table(plane: Plane, tissue: Image | float) -> Image | float:
    """What a tissue looks like inside the skull: mixed with bone where the inner table is blunt."""
    return mix(plane.bone, tissue, plane.inner()) if plane.has("blunt") else tissue


def paint_plane(plane: Plane, hu: Radiodensity, background: Image) -> Image:
    """HU of the window of one plane, without bleeds.

    Args:
        plane: where.
        hu: tissue densities.
        background: air, table and head-rest, of the size of the window.
    """
    image = mix(background, _soft_tissue(plane, hu), plane.inside(plane["skin"]))
    if plane.meets("air"):
        image = _paint_face(image, plane, hu)
    skull = plane.inside(plane["skull"])
    plane.bone = _bone(plane, hu)
    image = mix(image, plane.bone, skull)
    if plane.meets("air"):
        image = _paint_air(image, plane)
    return mix(image, _intracranial(plane, hu), plane.inner())


def _soft_tissue(plane: Plane, hu: Radiodensity) -> Image:
    muscle = np.clip(plane["lean_meat"] * 2.5 + 0.5 + 0.35 * plane.grain, 0.0, 1.0)
    soft = mix(np.full_like(muscle, hu.fat), hu.muscle, muscle) + 6.0 * plane.grain
    return mix(soft, hu.skin, plane.inside(-plane["skin"] - 2.2))


def _bone(plane: Plane, hu: Radiodensity) -> Image:
    depth = plane["cavity"]
    thickness = np.maximum(depth - plane["skull"], 1.0)
    to_surface = np.minimum(depth, -plane["skull"])
    table = np.clip(1.4 - to_surface / (0.12 * thickness + 1.0), 0.0, 1.0)
    bone = hu.diploe + 130.0 * plane.grain + 40.0
    bone = mix(bone, hu.table + 60.0 * plane.grain, table)
    bone = mix(bone, hu.table * 1.05 + 150.0 * plane.grain, 0.5 * plane["mould"])
    for name, slant in (("seam", 0.4), ("sagittal_seam", 0.0)):
        if plane.holds(f"{name}_mm"):
            bone = mix(bone, hu.suture, _seam_share(plane, name, slant))
    return bone


def _seam_share(plane: Plane, name: str, slant: float) -> Image:
    """Share of each pixel that a suture fills, averaged over the slab that it crosses at a slant."""
    away, half = np.abs(plane[name] + 0.25 * plane.grain), plane[f"{name}_mm"]
    reach = 0.5 * (plane.pixel_mm + slant * plane.slab_mm)
    overlap = np.minimum(half, away + reach) - np.maximum(-half, away - reach)
    return np.clip(overlap * (0.5 / reach), 0.0, 1.0)


def _paint_face(image: Image, plane: Plane, hu: Radiodensity) -> Image:
    orbit = plane.inside(plane["orbit"])
    image = mix(image, hu.fat + 3.0 * plane.grain, orbit)
    image = mix(image, hu.muscle - 10.0, orbit * plane.inside(plane["nerve"]))
    image = mix(image, 55.0, plane.inside(plane["globe"] - 0.6))
    image = mix(image, 12.0, plane.inside(plane["globe"] + 1.2))
    image = mix(image, 85.0, plane.inside(plane["lens"]))
    within = plane.inside(plane["skin"] + 3.0)
    return mix(image, 750.0 + 180.0 * plane.grain, within * plane.inside(plane["face_bone"]))


def _paint_air(image: Image, plane: Plane) -> Image:
    outside = plane.inside(1.5 - plane["cavity"])
    image = mix(image, -990.0, outside * plane.inside(plane["air"]))
    cells = np.clip((plane["cells"] * 2.2 + plane.grain * 0.9 - 0.55) * 3.0, 0.0, 1.0)
    cells *= np.clip(plane["cells"] * 8.0, 0.0, 1.0) * plane.inside(plane["skull"] + 2.0) * outside
    return mix(image, -850.0, cells)


def csf_distance(plane: Plane, widened_mm: float = 0.0) -> Image:
    """Distance to CSF outside the ventricles: gap, sulci, fissures, cisterns.

    Args:
        plane: where.
        widened_mm: how much wider than drawn sulci, fissures and cisterns are taken to be.
    """
    if plane.subject:
        sheet, room = plane["tissue"] - plane["cut"], 0.5 * (1.0 - plane["cut"])
        widened = np.minimum(np.float32(widened_mm), room * plane.subject.soft_mm)  # soft maps end in tissue
        return np.minimum(sheet * plane.subject.soft_mm - widened, -plane["cavity"] - plane["gap"])
    sheet = np.minimum(np.abs(plane["sulcus"]) - plane["sulcus_mm"], np.abs(plane["midline"]) - plane["fissure"])
    sheet = np.minimum(sheet, plane["cisterns"])
    return np.minimum(sheet - widened_mm, -plane["cavity"] - plane["gap"])


def _tentorium_share(plane: Plane) -> Image:
    """Share of the slab around the plane that the nearly level tentorium fills, column by column."""
    height, half = np.abs(plane["tentorium"]), plane["tentorium_mm"]
    slab = plane.slab_mm
    overlap = np.minimum(half, height + 0.5 * slab) - np.maximum(-half, height - 0.5 * slab)
    return np.clip(overlap * (1.0 / slab), 0.0, 1.0)


def _grey(plane: Plane) -> Image:
    """Share of grey matter in the brain's tissue."""
    ribbon = np.minimum(-plane["cavity"] - plane["gap"] - 3.0, np.abs(plane["sulcus"]) - plane["sulcus_mm"] - 3.0)
    cortex = plane.inside(np.maximum(ribbon, -plane["cortex"]))
    grey = np.maximum(cortex, 0.75 * plane.inside(plane["deep_grey"] * 0.2))
    return np.maximum(grey, 0.65 * plane.inside(plane["hindbrain"]))


def _intracranial(plane: Plane, hu: Radiodensity) -> Image:
    depth = -plane["cavity"]
    grey = plane["grey"] if plane.subject else _grey(plane)
    ageing = np.clip(1.0 - plane["ventricles"] * 0.12, 0.0, 1.0) * hu.ageing
    core = np.clip((depth - 12.0) * (1.0 / 20.0), 0.0, 1.0) * hu.core
    image = mix(hu.white - np.maximum(ageing, core), hu.grey, grey)
    image = mix(image, hu.cerebrospinal, plane.inside(csf_distance(plane)))
    image = mix(image, hu.cerebrospinal, plane.inside(plane["ventricles"]))
    image = mix(image, hu.dura, plane.inside(np.abs(plane["midline"]) - plane["falx"]))
    image = mix(image, hu.dura, _tentorium_share(plane))
    image = mix(image, hu.vein, plane.inside(np.minimum(plane["sagittal_sinus"], plane["transverse_sinus"])))
    near = np.maximum(depth, 0.0)
    rise = hu.rim * np.exp(near * (-1.0 / hu.rim_mm))
    image = image + (rise * plane["rim_gain"] if plane.has("rim_gain") else rise)
    return image + plane["drift"]
