"""Cases made by hand for tests of stores; importable by name, so that other processes can make them too."""

import os
import signal
import time

import numpy as np

from ichnos.cohorts.slice_store import CaseSlices
from ichnos.cohorts.store_writer import StorePlan
from ichnos.errors import PixelError

SIZE = 5


def made_case(number, patient, slices=3, size=SIZE):
    rng = np.random.default_rng(number)
    slices_hu = rng.integers(-1024, 3072, (slices, size, size)).astype(np.float32)
    labels = rng.integers(-1, 2, (slices, 6)).astype(np.int8)
    marks = rng.integers(0, 128, slices_hu.shape).astype(np.uint8) if number % 2 else None
    fingerprints = rng.integers(0, 2**63, (slices, 2)).astype(np.uint64)
    return CaseSlices(
        f"case-{number}",
        patient,
        slices_hu,
        labels,
        rng.random(slices) < 0.5,
        marks,
        z_mm=np.arange(slices) * 5.0,
        fingerprints=fingerprints,
        record={"repairs": {"wrapped": number}, "identifiers": {"series_uid": f"1.2.{number}"}},
    )


def make(item):
    """A case from what is asked: (number, patient, slices, mishap)."""
    number, patient, slices, mishap = item
    if mishap == "raises":
        raise PixelError(f"case-{number} is cut\nshort")
    if mishap == "breaks":
        raise ValueError("nobody thought of this")
    if mishap == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if mishap == "waits":
        time.sleep(0.02)
    return made_case(number, patient, slices)


def made_plan(items, /, **changes):
    content = {
        "names": tuple(f"case-{item[0]}" for item in items),
        "items": tuple(items),
        "make": make,
        "image_size": SIZE,
        "origin": {"made": "by hand", "items": [list(item) for item in items]},
        "about": {"cohort": "made-up", "licence": "none needed", "notes": []},
    }
    return StorePlan(**{**content, **changes})


def contents(folder):
    """Every file of a store by name, but for the lock."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in {".lock", "run.json"}]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
