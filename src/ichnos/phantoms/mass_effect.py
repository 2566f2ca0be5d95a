"""Bleeds that push the brain aside: feature `mass-effect`.

Blood takes room from tissue that hardly yields in volume inside a skull that does not yield at
all. To first order tissue flows away from the blood as u = -grad p, and gives way a little where
its fluid is squeezed out: p / L^2 - div grad p = s, with a source s where there is blood and no
flow through the skull. Solved on a coarse lattice over the cavity.

Departures from reality: displacements are taken as small ones, and falx and tentorium move with
the brain.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage, sparse
from scipy.sparse.linalg import cg

from ichnos.phantoms.bleed import Bleed
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Field, Points, step

STEP_MM = 6.0
"""Distance between the nodes."""

NODES = (29, 38, 29)
"""Nodes along z, y and x; they cover any cavity, as +-84 mm by +-111 mm by +-84 mm."""

LARGEST_MM = 17.0
"""Largest displacement; more would be a head whose bearer is dead."""

PUSHES = {"intraparenchymal": (0.7, 1.9), "subdural": (0.8, 1.5), "epidural": (0.7, 1.3)}
"""Range of the displaced volume to that of the blood. A ball that pushes all of its volume aside, and not
only to first order, moves its border by about three times as far as the first order says; a hemisphere under
a subdural layer swells."""

LAYERS = ("epidural", "subdural")
"""Blood between skull and brain."""

Coarse = Float[np.ndarray, "z y x"]


@dataclass(frozen=True)
class MassEffect:
    """How the brain is displaced, on the coarse lattice.

    Attributes:
        shift_mm: where tissue went, along x, y and z.
        squeeze: share of its volume that tissue lost, 0 to about 0.4.
        lifted_mm: how far the surface of the brain came off the skull.
    """

    shift_mm: tuple[Coarse, Coarse, Coarse]
    squeeze: Coarse
    lifted_mm: Coarse


def mass_effect(
    features: Features, bleeds: tuple[Bleed, ...], around: Callable[[Points], dict[str, Field]]
) -> MassEffect | None:
    """Displacement by all bleeds that take room; none without the feature or such bleeds.

    Args:
        features: of the scan.
        bleeds: of the scan.
        around: the fields of the undisturbed head at given points.
    """
    if "mass-effect" not in features or not any(bleed.subtype in PUSHES for bleed in bleeds):
        return None
    rng = features.stream("mass-effect")
    yielding_mm = float(rng.uniform(50.0, 110.0))
    shares = {subtype: float(rng.uniform(*span)) for subtype, span in PUSHES.items()}
    points = nodes()
    fields = around(points)
    source = np.zeros(NODES, np.float32)
    for bleed in bleeds:
        if bleed.subtype in PUSHES:
            inside = np.maximum(bleed.region(points, fields), fields["cavity"])
            source = np.maximum(source, shares[bleed.subtype] * np.clip(0.5 - inside / STEP_MM, 0.0, 1.0))
    return solved(source, fields["cavity"], yielding_mm)


def nodes() -> Points:
    """Positions of the coarse lattice."""
    z, y, x = ((np.arange(count, dtype=np.float32) - (count - 1) / 2) * np.float32(STEP_MM) for count in NODES)
    return Points(*(np.asarray(p, np.float32) for p in np.broadcast_arrays(x, y[:, None], z[:, None, None])))


def solved(source: Coarse, cavity: Coarse, yielding_mm: float) -> MassEffect:
    """Solve for the displacement.

    Args:
        source: displaced volume to volume, at each node.
        cavity: signed distance to the inner table.
        yielding_mm: L, how far pressure reaches before tissue has given way.
    """
    inside = cavity < 0.5 * STEP_MM
    pressure = _pressure(source, inside, yielding_mm)
    shift = tuple(_flow(pressure, inside, axis) for axis in (2, 1, 0))
    largest = float(np.sqrt(sum(u * u for u in shift)).max())
    scale = np.float32(min(1.0, LARGEST_MM / max(largest, 1e-6)))
    x, y, z = (_spread(u * scale, inside) for u in shift)
    squeeze = _spread(pressure * scale * np.float32(1.0 / yielding_mm**2), inside)
    came_from = np.indices(NODES, dtype=np.float32) - np.stack([z, y, x]) * np.float32(1.0 / STEP_MM)
    lifted = ndimage.map_coordinates(cavity, came_from, order=1, mode="nearest") - cavity
    return MassEffect((x, y, z), squeeze, lifted)


def _pressure(source: Coarse, inside: Bool[np.ndarray, "z y x"], yielding_mm: float) -> Coarse:
    number = np.cumsum(inside.ravel()).reshape(inside.shape) - 1
    diagonal = np.full(int(inside.sum()), (STEP_MM / yielding_mm) ** 2)
    rows, columns = [], []
    for axis in range(3):
        ends = [np.take(number, range(first, inside.shape[axis] - 1 + first), axis) for first in (0, 1)]
        both = np.logical_and(*(np.take(inside, range(f, inside.shape[axis] - 1 + f), axis) for f in (0, 1)))
        lower, upper = ends[0][both], ends[1][both]
        np.add.at(diagonal, lower, 1.0)
        np.add.at(diagonal, upper, 1.0)
        rows += [lower, upper]
        columns += [upper, lower]
    row, column = np.concatenate(rows), np.concatenate(columns)
    size = len(diagonal)
    matrix = sparse.diags_array(diagonal) + sparse.coo_array((np.full(len(row), -1.0), (row, column)), (size, size))
    answer, _ = cg(matrix.tocsr(), source[inside] * STEP_MM**2, rtol=1e-3, maxiter=200)
    pressure = np.zeros(inside.shape, np.float32)
    pressure[inside] = answer
    return pressure


def _flow(pressure: Coarse, inside: Bool[np.ndarray, "z y x"], axis: int) -> Coarse:
    """Minus the slope of the pressure; there is none across the skull."""
    count = inside.shape[axis]
    low, high = range(count - 1), range(1, count)
    open_ = np.take(inside, low, axis) & np.take(inside, high, axis)
    through = (np.take(pressure, low, axis) - np.take(pressure, high, axis)) * open_ * np.float32(1.0 / STEP_MM)
    before = [(1, 0) if a == axis else (0, 0) for a in range(3)]
    after = [(0, 1) if a == axis else (0, 0) for a in range(3)]
    return np.asarray(np.float32(0.5) * (np.pad(through, before) + np.pad(through, after)))


def _spread(values: Coarse, inside: Bool[np.ndarray, "z y x"]) -> Coarse:
    """Carry values two nodes across the skull, so that interpolation near it does not lose them."""
    for _ in range(2):
        weight = ndimage.uniform_filter(inside.astype(np.float32), 3)
        near = ndimage.uniform_filter(values * inside, 3) / np.maximum(weight, np.float32(1e-3))
        values = np.where(inside, values, near)
        inside = inside | (weight > 0.02)
    return np.where(inside, values, np.float32(0.0))


def _at(values: Coarse, points: Points) -> Field:
    middle = [np.float32((count - 1) / 2) for count in NODES]
    places = [p * np.float32(1.0 / STEP_MM) + m for p, m in zip((points.z, points.y, points.x), middle, strict=True)]
    return ndimage.map_coordinates(values, places, output=np.float32, order=1, mode="nearest", prefilter=False)


def origins(mass: MassEffect | None, points: Points) -> Points:
    """Where the tissue that is now at each point was before; everything of the brain is evaluated there."""
    if mass is None:
        return points
    return Points(*(p - _at(u, points) for p, u in zip(points, mass.shift_mm, strict=True)))


def lifted_mm(mass: MassEffect | None, points: Points) -> Field | float:
    """How much nearer to the skull the tissue at each point was before."""
    return 0.0 if mass is None else _at(mass.lifted_mm, points)


def narrowed_mm(mass: MassEffect | None, points: Points) -> Field | float:
    """How far the walls of the ventricles come in, because fluid gives way before tissue does."""
    return 0.0 if mass is None else 9.0 * _at(mass.squeeze, points)


def compress(mass: MassEffect | None, points: Points, fields: dict[str, Field]) -> dict[str, Field]:
    """Fields of the fluid around the brain, squeezed out: narrow sulci, fissures and cisterns."""
    if mass is None:
        return {}
    squeeze = _at(mass.squeeze, points)
    found = {
        "sulcus_mm": fields["sulcus_mm"] - 4.0 * squeeze,
        "fissure": fields["fissure"] - 4.0 * squeeze,
        "gap": fields["gap"] * np.clip(1.0 - 5.0 * squeeze, 0.0, 1.0),
        "cisterns": fields["cisterns"] + 7.0 * squeeze,
    }
    return found | ({"cut": fields["cut"] - 1.5 * squeeze} if "cut" in fields else {})


def lift(
    mass: MassEffect | None, points: Points, bleeds: tuple[Bleed, ...], fields: dict[str, Field]
) -> dict[str, Field]:
    """The gap between skull and brain, where blood lifted the brain off; the blood fills it."""
    layers = [f"bleed-{index}" for index, bleed in enumerate(bleeds) if bleed.subtype in LAYERS]
    if mass is None or not layers:
        return {}
    blood = np.minimum.reduce([fields[name] for name in layers])
    return {"gap": fields["gap"] + np.maximum(lifted_mm(mass, points), 0.0) * step(2.0 - blood, 3.0)}
