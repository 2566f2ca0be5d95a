"""Phantoms as a cohort: each seed is a patient, labelled slice by slice."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.resources import files
from pathlib import Path

import numpy as np

from ichnos.cohorts.case import Case, LabelledScan
from ichnos.cohorts.case_slices import GridSettings, to_slices
from ichnos.cohorts.obvious import DENSE_HU, MARGIN_MM, OBVIOUS_MM2
from ichnos.cohorts.slice_store import LABELS, CaseSlices, SliceStore
from ichnos.cohorts.store_writer import StorePlan, build_store
from ichnos.errors import StoreError
from ichnos.phantoms import PhantomSettings, make_phantom, phantom_name
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
        folder: of the store; what another store left there is replaced.
        workers: processes that make phantoms.

    Raises:
        StoreError: `folder` cannot be written, or a phantom could not be made.
    """
    plan = StorePlan(
        names=tuple(phantom_name(seed) for seed in seeds),
        items=tuple(int(seed) for seed in seeds),
        make=partial(make_case, settings=settings, recipe=recipe),
        image_size=recipe.image_size,
        origin={
            "seeds": [int(seed) for seed in seeds],
            "phantoms": {name: str(value) for name, value in asdict(settings).items()},
            "field_of_view_mm": recipe.field_of_view_mm,
            "resized_to": recipe.resized_to,
            "cut_off_hu": recipe.cut_off_hu and list(recipe.cut_off_hu),
            "labelled_mm2": LABELLED_MM2,
            "obvious": [DENSE_HU, MARGIN_MM, OBVIOUS_MM2],
            "generator": _generator_digest(),
        },
        about={"cohort": "phantoms", "licence": "none needed", "notes": []},
    )
    store = build_store(plan, folder, workers, overwrite=True)
    if store.description["skipped"]:
        failed = store.description["skipped"][0]
        raise StoreError(f"{failed['name']} could not be made: {failed['reason']}")
    return store


def make_case(seed: int, settings: PhantomSettings, recipe: Recipe) -> CaseSlices:
    """One phantom on the model grid, with its labels and masks."""
    phantom = make_phantom(seed, settings)
    labels = np.zeros((len(phantom.scan.voxels_hu), len(LABELS)), dtype=np.int8)
    pixel_mm2 = phantom.scan.geometry.pixel_areas_mm2
    for subtype, voxels in phantom.bleed_masks.items():
        labels[:, LABELS.index(subtype)] = voxels.sum(axis=(1, 2)) * pixel_mm2 >= LABELLED_MM2
    labels[:, 0] = labels[:, 1:].any(axis=1)
    name = phantom_name(seed)
    labelled = LabelledScan(Case(name, name, ()), phantom.scan, labels, phantom.bleed_masks, phantom.brain_mask)
    return to_slices(labelled, GridSettings.of(recipe))


def _generator_digest() -> str:
    """Of the phantoms' source, so that a store made by an older generator is made again."""
    sources = sorted(Path(str(files("ichnos.phantoms"))).glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
