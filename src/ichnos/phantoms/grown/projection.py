"""A virtual scanner that measures: parallel rays of several energies, counted photons, filtered back projection.

The textbook chain (Kak and Slaney 1988, chapters 3 and 4). A ray is a strip as wide as a pixel, and
sees of each pixel the area that it covers; the sparse matrix of these areas projects, its transpose
projects back.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy import fft, sparse

Slices = Float[np.ndarray, "slices rows columns"]
Sinograms = Float[np.ndarray, "angles bins slices"]

ENERGIES_KEV = (50.0, 60.0, 80.0, 100.0)
WATER_PER_CM = np.array([0.2269, 0.2059, 0.1837, 0.1707], np.float32)
"""Attenuation of water at `ENERGIES_KEV` (Hubbell and Seltzer, NIST XCOM tables)."""

BONE_PER_CM = np.array([0.814, 0.604, 0.428, 0.356], np.float32)
"""The same of cortical bone, 1.92 g/mL."""

SOFT = 1.1
"""Attenuation relative to water up to which a voxel is all soft tissue."""

BONE = 2.6
"""Attenuation of cortical bone relative to water at the middle of the spectrum."""


@dataclass(frozen=True)
class Beam:
    """A scanner's settings.

    Attributes:
        spectrum: share of photons at each of `ENERGIES_KEV`.
        photons: sent along each ray.
        hardening: share of the error that hardening by bone makes, 0 where it has been corrected.
        cutoff: of the filter, as a share of the highest frequency of the pixels.
        edge: how much the filter lifts middle frequencies; above 0 a bone kernel.
        jerk: (angle index at which the head moves, mm forward, mm sideways).
    """

    spectrum: Float[np.ndarray, " energies"]
    photons: float
    hardening: float
    cutoff: float
    edge: float
    jerk: tuple[int, float, float]


def draw_beam(rng: np.random.Generator, angles: int) -> Beam:
    """Draw a scanner: one in eight sees the head move."""
    spectrum = rng.dirichlet((4.0, 5.0, 6.0, 3.0)).astype(np.float32)
    moves = rng.random() < 0.125
    forward, sideways = rng.uniform(-1.3, 1.3, 2) if moves else (0.0, 0.0)
    return Beam(
        spectrum=spectrum,
        photons=float(np.exp(rng.uniform(np.log(8e6), np.log(6e7)))),
        hardening=float(rng.uniform(0.0, 0.9)),
        cutoff=float(rng.uniform(0.45, 1.0)),
        edge=float(max(0.0, rng.normal(0.0, 0.35))),
        jerk=(int(rng.integers(angles)), float(forward), float(sideways)),
    )


def scan_slices(voxels_hu: Slices, pixel_mm: float, beam: Beam, angles: int, rng: np.random.Generator) -> Slices:
    """Measure square slices and reconstruct them.

    Args:
        voxels_hu: true densities; what lies outside the inscribed circle must be air.
        pixel_mm: side of a pixel.
        beam: the scanner.
        angles: views over half a turn.
        rng: of the photons.
    """
    size = voxels_hu.shape[1]
    matrix = strip_areas(size, angles)
    relative = np.maximum(voxels_hu / np.float32(1000.0) + np.float32(1.0), 0.0)
    bone = np.maximum(relative - SOFT, 0.0) / np.float32(BONE - SOFT)
    water = np.minimum(relative, np.float32(SOFT)) - np.float32(SOFT) * np.minimum(bone, np.float32(1.0))
    soft_cm, bone_cm = (_project(matrix, one, angles) * np.float32(pixel_mm / 10.0) for one in (water, bone))
    lengths_cm = _measure(soft_cm, bone_cm, beam, rng)
    lengths_cm = _move(lengths_cm, beam, pixel_mm)
    filtered = _filter(lengths_cm / np.float32(pixel_mm / 10.0), beam)
    back = matrix.T @ filtered.reshape(-1, len(voxels_hu)) * np.float32(np.pi / angles)
    hu = (back.T.reshape(voxels_hu.shape) - np.float32(1.0)) * np.float32(1000.0)
    return np.asarray(hu, dtype=np.float32)


@lru_cache(maxsize=2)
def strip_areas(size: int, angles: int) -> sparse.csr_array:
    """Area of each pixel within each strip, (angles * bins, size * size); bins = size + 4.

    A pixel's shadow is a trapezoid, the convolution of two boxes as wide as its sides' projections.
    """
    bins = size + 4
    place = np.arange(size) - (size - 1) / 2
    parts, columns, rows = [], [], []
    pixels = np.tile(np.arange(size * size, dtype=np.int32), (3, 1))
    inside = (np.hypot(place[:, None], place[None, :]) <= size / 2).ravel()
    for number in range(angles):
        turn = np.pi * (number + 0.5) / angles
        at = (place[None, :] * np.cos(turn) + place[:, None] * np.sin(turn)).ravel() + (bins - 1) / 2
        first = np.round(at).astype(np.int32) - 1
        edges = first[None, :] - 0.5 + np.arange(4)[:, None] - at[None, :]
        areas = np.diff(_shadow(edges, abs(np.cos(turn)), abs(np.sin(turn))), axis=0)
        kept = (areas > 1e-7) & inside[None, :]
        parts.append(areas[kept].astype(np.float32))
        columns.append(pixels[kept])
        rows.append((number * bins + first[None, :] + np.arange(3, dtype=np.int32)[:, None])[kept])
    places = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(parts), places), shape=(angles * bins, size * size))


def _shadow(edges: np.ndarray, first: float, second: float) -> np.ndarray:
    """Share of a pixel's shadow that lies before each edge; the shadow is centred at 0."""
    first, second = max(first, 1e-3), max(second, 1e-3)
    outer, inner = (first + second) / 2, abs(first - second) / 2
    ramps = [np.maximum(edges + by, 0.0) ** 2 for by in (outer, inner, -inner, -outer)]
    return np.asarray((ramps[0] - ramps[1] - ramps[2] + ramps[3]) / (2 * first * second))


def _project(matrix: sparse.csr_array, slices: Slices, angles: int) -> Sinograms:
    columns = np.ascontiguousarray(slices.reshape(len(slices), -1).T, dtype=np.float32)
    return np.asarray(matrix @ columns).reshape(angles, -1, len(slices))


def _measure(soft_cm: Sinograms, bone_cm: Sinograms, beam: Beam, rng: np.random.Generator) -> Sinograms:
    """Water-equivalent lengths in cm, as a scanner that is calibrated on water finds them."""
    share = np.zeros(soft_cm.shape, np.float32)
    for part, water, bone in zip(beam.spectrum, WATER_PER_CM, BONE_PER_CM, strict=True):
        share += part * np.exp(-(soft_cm * water + bone_cm * bone))
    counted = np.maximum(rng.poisson(share * beam.photons), 1).astype(np.float32)
    lengths = np.linspace(0.0, 90.0, 2000, dtype=np.float32)
    through_water = -np.log(np.exp(-lengths[:, None] * WATER_PER_CM) @ beam.spectrum)
    found = np.interp(-np.log(counted / np.float32(beam.photons)), through_water, lengths)
    expected = np.interp(-np.log(share), through_water, lengths)
    corrected = (1.0 - beam.hardening) * (soft_cm + BONE * bone_cm - expected)
    return np.asarray(found + corrected, dtype=np.float32)


def _move(lengths: Sinograms, beam: Beam, pixel_mm: float) -> Sinograms:
    """Views after the jerk see the head elsewhere: a shift of the object is a shift of each view."""
    start, forward, sideways = beam.jerk
    if forward == sideways == 0.0:
        return lengths
    moved = lengths.copy()
    places = np.arange(lengths.shape[1])
    for number in range(start, len(lengths)):
        turn = np.pi * (number + 0.5) / len(lengths)
        by = (sideways * np.cos(turn) - forward * np.sin(turn)) / pixel_mm
        low = np.floor(places - by).astype(int)
        part = np.float32(places[0] - by - low[0])
        pair = [lengths[number, np.clip(low + i, 0, len(places) - 1)] for i in (0, 1)]
        moved[number] = (np.float32(1.0) - part) * pair[0] + part * pair[1]
    return moved


def _filter(lengths: Sinograms, beam: Beam) -> Sinograms:
    """The ramp of filtered back projection, softened above `cutoff` and lifted before it.

    The ramp is the transform of its band-limited kernel, so that the mean is right (Kak and Slaney 1988, 3.3).
    """
    bins = lengths.shape[1]
    length = 2 ** int(np.ceil(np.log2(2 * bins)))
    offset = np.minimum(np.arange(length), length - np.arange(length))
    kernel = np.where(offset % 2 == 1, -1.0 / (np.pi * np.maximum(offset, 1)) ** 2, 0.0)
    kernel[0] = 0.25
    frequency = np.arange(length // 2 + 1) / (length / 2)
    window = 1.0 / (1.0 + (frequency / beam.cutoff) ** 6) * np.cos(np.pi / 2 * np.minimum(frequency, 1.0)) ** 0.5
    window *= 1.0 + beam.edge * np.sin(np.pi * np.minimum(frequency / beam.cutoff, 1.0)) ** 2
    response = (fft.rfft(kernel).real * window).astype(np.float32)
    spectrum = fft.rfft(lengths, n=length, axis=1) * response[None, :, None]
    return np.asarray(fft.irfft(spectrum, n=length, axis=1)[:, :bins], dtype=np.float32)
