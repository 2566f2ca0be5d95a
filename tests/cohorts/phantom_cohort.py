"""A folder of phantoms as a collection: DICOM in `scans/`, truth in `truth/`; for tests of preparing."""

import csv
from functools import partial
from pathlib import Path

import numpy as np

from ichnos.cohorts.case import Case, Cohort, LabelledScan, Skipped
from ichnos.phantoms import SUBTYPES, PhantomSettings, make_phantom, write_phantom
from ichnos.scans import read_mask, read_scan

SMALL = PhantomSettings(slices=6, rows=64, columns=64)


def write_collection(folder, seeds, settings=SMALL):
    for seed in seeds:
        write_phantom(make_phantom(seed, settings), folder, "dicom")


def open_phantoms(root: Path) -> Cohort:
    """The reader: a case a folder, two phantoms a patient, masks where there are any."""
    cases = [
        Case(
            case=folder.name,
            patient=f"patient-{int(folder.name[-4:]) // 2}",
            files=tuple(sorted(folder.glob("*.dcm"))),
            identifiers={"phantom": folder.name},
            hints={"batch": "one"},
        )
        for folder in sorted((root / "scans").iterdir())
        if folder.is_dir()
    ]
    skipped = tuple(Skipped(file.name, "not a folder") for file in (root / "scans").iterdir() if file.is_file())
    return Cohort("made-up", root, "none needed", tuple(cases), partial(load_case, root), skipped, ("a note",))


def load_case(root: Path, case: Case) -> LabelledScan:
    scan = read_scan(case.files)
    truth = root / "truth" / case.case
    with (truth / "labels.csv").open() as file:
        labels = [[int(row[name]) for name in ("any", *SUBTYPES)] for row in csv.DictReader(file)]
    masks = {name: read_mask(path).voxels for name in SUBTYPES if (path := truth / f"bleed-{name}.nii.gz").is_file()}
    brain = read_mask(truth / "brain.nii.gz").voxels
    return LabelledScan(case, scan, np.array(labels, np.int8), masks, brain, {"made_up": 1})
