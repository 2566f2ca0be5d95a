"""Phantoms as a cohort: each seed is a patient, labelled slice by slice."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ichnos.cohorts.obvious import DENSE_HU, MARGIN_MM, OBVIOUS_MM2, find_obvious
from ichnos.cohorts.slice_store import LABELS, MARKS, CaseSlices, SliceStore, open_store, write_store
from ichnos.phantoms import PhantomSettings, make_phantom, phantom_name
from ichnos.preprocessing.grid import ModelGrid
from ichnos.preprocessing.recipe import Recipe

LABELLED_MM2 = 20.0
"""A slice counts as bleeding from this area on: what a reader who labels slices would see."""


def prepare_phantoms(
    seeds: Sequence[int], settings: PhantomSettings, recipe: Recipe, folder: Path, workers: int
) -> SliceStore:
    """Make phantoms and store their slices on the model grid; an equal store is taken as it is.

    Args:
        seeds: one phantom each, in this order whatever the number of workers.
        settings: of the phantoms.
        recipe: gives the model grid; windows are applied later, on HU.
        folder: of the store.
        workers: processes that make phantoms.
    """
    origin = {
        "seeds": [int(seed) for seed in seeds],
        "phantoms": {name: str(value) for name, value in asdict(settings).items()},
        "image_size": recipe.image_size,
        "field_of_view_mm": recipe.field_of_view_mm,
        "labelled_mm2": LABELLED_MM2,
        "obvious": [DENSE_HU, MARGIN_MM, OBVIOUS_MM2],
        "generator": _generator_digest(),
    } | ({"resized_to": recipe.resized_to} if recipe.resized_to else {})
    store = open_store(folder)
    if store is None or store.origin != origin:
        write_store(_make_all(seeds, settings, recipe, workers), folder, recipe.image_size, origin)
        store = open_store(folder)
    assert store is not None
    return store


def make_case(seed: int, settings: PhantomSettings, recipe: Recipe) -> CaseSlices:
    """One phantom on the model grid, with its labels and masks.

    A pixel of the model grid is marked where at least half of it is.
    """
    phantom = make_phantom(seed, settings)
    grid = ModelGrid.place(phantom.scan, recipe.image_size, recipe.field_of_view_mm, recipe.resized_to)
    labels = np.zeros((len(phantom.scan.voxels_hu), len(LABELS)), dtype=np.int8)
    pixel_mm2 = phantom.scan.geometry.pixel_areas_mm2
    for subtype, voxels in phantom.bleed_masks.items():
        labels[:, LABELS.index(subtype)] = voxels.sum(axis=(1, 2)) * pixel_mm2 >= LABELLED_MM2
    labels[:, 0] = labels[:, 1:].any(axis=1)
    name = phantom_name(seed)
    slices_hu = grid.to_model(phantom.scan.voxels_hu)
    marks = np.zeros(slices_hu.shape, np.uint8)
    for drawn, voxels in (*phantom.bleed_masks.items(), ("brain", phantom.brain_mask)):
        marks |= MARKS[drawn] * (grid.fractions_to_model(voxels.astype(np.float32)) >= 0.5).astype(np.uint8)
    _, row_mm, column_mm = phantom.scan.geometry.spacing_mm
    pixel_mm = (grid.row_axis.step * row_mm, grid.column_axis.step * column_mm)
    return CaseSlices(name, name, slices_hu, labels, find_obvious(slices_hu, labels[:, 0] == 1, pixel_mm), marks)


def _generator_digest() -> str:
    """Of the phantoms' source, so that a store made by an older generator is made again."""
    sources = sorted(Path(str(files("ichnos.phantoms"))).glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _make_all(seeds: Sequence[int], settings: PhantomSettings, recipe: Recipe, workers: int) -> Iterator[CaseSlices]:
    make = partial(make_case, settings=settings, recipe=recipe)
    if workers <= 1:
        yield from map(make, seeds)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, seeds, chunksize=4)
