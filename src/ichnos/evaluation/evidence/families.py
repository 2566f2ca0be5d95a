"""Families of phantoms that models are judged on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ichnos.cohorts.case import Case, LabelledScan
from ichnos.cohorts.slice_store import LABELS
from ichnos.phantoms import Phantom, PhantomSettings, make_phantom
from ichnos.phantoms.features import WIDE
from ichnos.phantoms.grown.grown import make_grown_phantom
from ichnos.phantoms.grown.settings import GrownSettings
from ichnos.runtime.names import choose_by_name

FIRST_SEED = 7_000_000
"""Seeds of judged phantoms count up from here; recipes train on seeds far below."""


@dataclass(frozen=True)
class Family:
    """A kind of phantom.

    Attributes:
        title: for tables.
        make: the phantom of (seed, slices, pixels along a side).
    """

    title: str
    make: Callable[[int, int, int], Phantom]


def _make_wide(seed: int, slices: int, size: int) -> Phantom:
    return make_phantom(
        seed,
        PhantomSettings(
            slices=slices, rows=size, columns=size, gap_mm=(5.0, 11.0), bleed_probability=0.6, features=WIDE
        ),
    )


def _make_grown(seed: int, slices: int, size: int) -> Phantom:
    return make_grown_phantom(seed, GrownSettings(slices=slices, size=size))


FAMILIES = {
    "training": Family("phantoms of the training family, seeds that nothing was trained on", _make_wide),
    "grown": Family("phantoms of another family, of which nothing was trained on", _make_grown),
}


def choose_family(name: str) -> Family:
    """The family of that name; `UsageError` with the nearest name if there is none."""
    return choose_by_name(FAMILIES, name, "family")


def to_labelled(family: str, phantom: Phantom) -> LabelledScan:
    """A phantom as a loaded case, which every scorer takes."""
    name = f"{family}-{phantom.seed}"
    labels = np.zeros((len(phantom.slice_labels), len(LABELS)), np.int8)
    labels[:, 0] = phantom.slice_labels
    for number, subtype in enumerate(LABELS[1:], start=1):
        labels[:, number] = phantom.subtype_labels[subtype]
    return LabelledScan(Case(name, name, ()), phantom.scan, labels, phantom.bleed_masks)
