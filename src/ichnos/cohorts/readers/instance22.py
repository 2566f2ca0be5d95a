"""INSTANCE22 (MICCAI 2022): non-contrast CT with one mask of all blood.

train_2/data/001.nii.gz   train_2/label/001.nii.gz   100 training scans
evaluation/data/...                                  without masks
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, Skipped
from ichnos.cohorts.readers.drawn import load_drawn
from ichnos.cohorts.readers.layout import (
    by_key,
    check_case_name,
    few,
    find_folder,
    list_nifti,
    nifti_stem,
    places_around,
    subfolders,
)
from ichnos.cohorts.readers.nnunet import PATIENTS_NOTE
from ichnos.errors import CohortError

LICENCE = "INSTANCE22 agreement of the challenge: research only, no redistribution"
IMAGES = ("data", "images", "image", "ct")
MASKS = ("label", "labels", "mask", "masks")
PART = re.compile(r"train|eval|val|test", re.IGNORECASE)
KNOWN_MASKS = 100


def open_instance22(root: Path) -> Cohort:
    """List the scans of INSTANCE22; those of parts without masks carry the part in their name.

    Raises:
        CohortError: no folder `data` at `root` or up to two levels below; two files of one case.
    """
    bases = [place for place in places_around(root) if find_folder(place, IMAGES)]
    if not bases:
        raise CohortError(f"{root}: holds no folder `data` with the scans; give the folder of INSTANCE22")
    cases: list[Case] = []
    skipped = _loose(root, bases)
    for base in bases:
        cases += _cases(base, skipped)
    names = [case.case for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CohortError(f"{root}: {few(twice)} stand in several parts; give the folder of one part")
    drawn = [case for case in cases if case.masks]
    without = sorted(case.case for case in cases if not case.masks and case.hints["split"] == "train")
    notes = [f"{KNOWN_MASKS} scans with masks are known; found {len(drawn)}"] if len(drawn) != KNOWN_MASKS else []
    notes += [f"{len(without)} training scan(s) have no mask: {few(without)}"] if without else []
    ordered = tuple(sorted(cases, key=lambda case: case.case))
    return Cohort("instance22", root, LICENCE, ordered, partial(load_drawn), tuple(skipped), (*notes, PATIENTS_NOTE))


def _loose(root: Path, bases: Sequence[Path]) -> list[Skipped]:
    """Scans of other parts that do not lie in a folder `data`, so that nothing tells what they are."""
    beside = {part: None for base in bases if base != root for part in subfolders(base.parent) if PART.match(part.name)}
    return [
        Skipped(str(file), f"not in {part.name}/data; move the scans of this part there")
        for part in beside
        if part not in bases
        for file in list_nifti(part)[0]
    ]


def _cases(base: Path, skipped: list[Skipped]) -> list[Case]:
    folder, drawn = find_folder(base, IMAGES), find_folder(base, MASKS)
    assert folder is not None
    images, others = list_nifti(folder)
    masks, more = list_nifti(drawn) if drawn else ([], [])
    skipped += others + more
    by_image, by_mask = by_key(images), by_key(masks)
    skipped += [
        Skipped(str(by_mask[key]), "a mask without an image") for key in sorted(by_mask.keys() - by_image.keys())
    ]
    part = "" if drawn else f"{base.name}-"
    hints = {"split": "train" if drawn else base.name}
    return [
        Case(
            name := check_case_name(part + nifti_stem(file), str(file)),
            name,
            (file,),
            masks={"": by_mask[key]} if key in by_mask else {},
            hints=hints,
        )
        for key, file in by_image.items()
    ]
