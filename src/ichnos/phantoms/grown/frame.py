"""The stack of planes in which a head is painted, and random smooth volumes on it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

Volume = Float[np.ndarray, "planes rows columns"]
Region = Bool[np.ndarray, "planes rows columns"]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Frame:
    """Where each voxel lies in the head.

    Attributes:
        x: mm to the patient's right of the midline.
        y: mm in front of the middle of the brain.
        z: mm above the floor of the anterior fossa.
        spacing_mm: between planes, rows and columns.
    """

    x: Volume
    y: Volume
    z: Volume
    spacing_mm: Triple

    def ellipsoid(self, centre: Triple, axes: Triple) -> Volume:
        """0 on an ellipsoid, -1 at its centre, positive outside. In mm: multiply by a typical half-axis."""
        squared = np.zeros(self.x.shape, np.float32)
        for places, middle, axis in zip((self.x, self.y, self.z), centre, axes, strict=True):
            squared += ((places - np.float32(middle)) * np.float32(1.0 / axis)) ** 2
        return np.sqrt(squared) - 1

    def pair(self, centre: Triple, axes: Triple) -> Volume:
        """The same of an ellipsoid and its mirror image; `centre` is the right one's."""
        return self.folded.ellipsoid(centre, axes)

    @property
    def folded(self) -> "Frame":
        """Both sides laid on the right one."""
        return Frame(np.abs(self.x), self.y, self.z, self.spacing_mm)

    def noise(self, rng: np.random.Generator, width_mm: float) -> Volume:
        """Smooth noise of mean 0 and standard deviation 1, its bumps about `width_mm` wide."""
        shape = self.x.shape
        nodes = [max(3, int(n * step * 2.5 / width_mm) + 2) for n, step in zip(shape, self.spacing_mm, strict=True)]
        if all(node >= n for node, n in zip(nodes, shape, strict=True)):
            sigmas = [width_mm / 2.5 / step for step in self.spacing_mm]
            fine = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigmas, truncate=2.5)
            return fine / (fine.std() + np.float32(1e-6))
        coarse = ndimage.gaussian_filter(rng.standard_normal(nodes, dtype=np.float32), 1.0, mode="wrap")
        coarse /= coarse.std()
        factors = [n / node for n, node in zip(shape, nodes, strict=True)]
        return ndimage.zoom(coarse, factors, order=1, mode="grid-wrap", grid_mode=True)

    def turned(self, turn: Float[np.ndarray, "3 3"], shift_mm: Float[np.ndarray, "3"]) -> "Frame":
        """The frame of a head that lies turned and shifted in this one."""
        places = (self.x, self.y, self.z)
        x, y, z = (
            np.asarray(sum(np.float32(row[j]) * places[j] for j in range(3)) + np.float32(by))
            for row, by in zip(turn, shift_mm, strict=True)
        )
        return Frame(x, y, z, self.spacing_mm)

    def bent(self, rng: np.random.Generator, width_mm: float, by_mm: float) -> "Frame":
        """The frame after a random smooth displacement."""
        places = (self.x, self.y, self.z)
        x, y, z = (one + np.float32(by_mm) * self.noise(rng, width_mm) for one in places)
        return Frame(x, y, z, self.spacing_mm)


def make_frame(shape: tuple[int, int, int], spacing_mm: Triple, lowest_mm: float) -> Frame:
    """A frame whose middle column and row lie at 0, and whose lowest plane at `lowest_mm`."""
    z = lowest_mm + spacing_mm[0] * np.arange(shape[0], dtype=np.float32)
    y = -spacing_mm[1] * (np.arange(shape[1], dtype=np.float32) - (shape[1] - 1) / 2)
    x = -spacing_mm[2] * (np.arange(shape[2], dtype=np.float32) - (shape[2] - 1) / 2)
    grids = np.meshgrid(z, y, x, indexing="ij")
    above, front, right = (np.ascontiguousarray(grid, dtype=np.float32) for grid in grids)
    return Frame(right, front, above, spacing_mm)


def as_distance(level: Volume, spacing_mm: Triple) -> Volume:
    """Signed distance in mm to where `level` is 0, to first order: level over the size of its slope."""
    slopes = np.gradient(level, *(np.float32(step) for step in spacing_mm))
    steepness = np.sqrt(sum(slope * slope for slope in slopes))
    return np.asarray(level / np.maximum(steepness, np.float32(2e-3)), dtype=np.float32)
