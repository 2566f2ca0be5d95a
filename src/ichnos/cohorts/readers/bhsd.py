"""BHSD (Wu et al., MLMI 2023): 192 scans of RSNA 2019 with masks of five classes, and scans without masks.

    label_192/images/ID_<patient>_ID_<study>.nii.gz   label_192/ground truths/<same name>
    unlabel_2000/...nii.gz                            without masks

Copies in the form of nnU-Net or the Decathlon (`dataset.json`) are read as such. Names tell the patient
and the study in RSNA 2019, so that the leakage guard can see what the two collections share.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, Skipped
from ichnos.cohorts.readers.drawn import MAJORITY, check_rater, load_drawn
from ichnos.cohorts.readers.layout import (
    by_key,
    check_case_name,
    few,
    find_folder,
    list_nifti,
    nifti_stem,
    places_around,
    visible,
)
from ichnos.cohorts.readers.nnunet import find_dataset_json, list_nnunet
from ichnos.cohorts.readers.nnunet_json import read_dataset_json
from ichnos.cohorts.readers.rsna_names import patients_note, with_rsna_patient
from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import CohortError

LICENCE = (
    "masks: non-commercial, no derivatives; scans: RSNA / Kaggle terms, non-commercial research, no redistribution"
)

CLASSES: Mapping[int, str | None] = dict(enumerate(LABELS[1:], 1))
"""EDH 1, IPH 2, IVH 3, SAH 4, SDH 5; a `dataset.json` that says otherwise is believed."""

IMAGES = ("images", "image", "imagesTr")
MASKS = ("ground truths", "ground_truths", "groundtruths", "ground truth", "labels", "masks", "labelsTr")
RATER_FOLDER = re.compile(r"label_annot_(\w+)$", re.IGNORECASE)
UNLABELLED = re.compile(r"^unlabel", re.IGNORECASE)

KNOWN_MASKS = 192


def open_bhsd(root: Path, *, rater: str = MAJORITY) -> Cohort:
    """List the scans of BHSD, those with masks and those without.

    Args:
        root: its folder, or one up to two levels above.
        rater: whose masks to take where there are folders `label_annot_NAME`.

    Raises:
        CohortError: no folder of images with one of masks, and no `dataset.json`.
        UsageError: nobody of the rater's name drew.
    """
    description = find_dataset_json(root)
    if description is not None:
        told = read_dataset_json(description)
        cases, skipped, notes = list_nnunet(description.parent, told)
        classes: Mapping[int, str | None] = told.classes
    else:
        cases, skipped, notes = _list_folders(root)
        classes = CLASSES
    cases = [with_rsna_patient(case) for case in cases]
    load = partial(load_drawn, classes=classes, rater=check_rater(cases, rater))
    notes += [*count_note(cases, KNOWN_MASKS), *patients_note(cases)]
    return Cohort("bhsd", root, LICENCE, tuple(cases), load, tuple(skipped), tuple(notes))


def count_note(cases: Sequence[Case], known: int) -> list[str]:
    """A note where there are not as many masks as there should be."""
    drawn = sum(bool(case.masks) for case in cases)
    return [f"{known} scans with masks are known; found {drawn}"] if drawn != known else []


def _list_folders(root: Path) -> tuple[list[Case], list[Skipped], list[str]]:
    base = next((place for place in places_around(root) if _holds_masks(place)), None)
    if base is None:
        raise CohortError(f"{root}: holds no folder `images` beside `ground truths`, and no dataset.json; is it BHSD?")
    images, skipped = list_nifti(find_folder(base, IMAGES) or base)
    by_name = by_key(images)
    masks: dict[str, dict[str, Path]] = {name: {} for name in by_name}
    for rater, folder in _mask_folders(base).items():
        files, others = list_nifti(folder)
        skipped += others
        for name, file in by_key(files).items():
            if name in masks:
                masks[name][rater] = file
            else:
                skipped.append(Skipped(str(file), "a mask without an image"))
    cases = [
        Case(check_case_name(stem := nifti_stem(file), str(file)), stem, (file,), masks=masks[name])
        for name, file in by_name.items()
    ]
    without = [case.case for case in cases if not case.masks]
    notes = [f"{len(without)} image(s) have no mask: {few(without)}"] if without else []
    others_cases, more = _unlabelled(root, {case.case for case in cases})
    return sorted(cases + others_cases, key=lambda case: case.case), skipped + more, notes


def _holds_masks(place: Path) -> bool:
    return find_folder(place, IMAGES) is not None and bool(_mask_folders(place))


def _mask_folders(place: Path) -> dict[str, Path]:
    """Folders of masks by rater."""
    single = find_folder(place, MASKS)
    raters = {
        found[1]: child for child in visible(place) if child.is_dir() and (found := RATER_FOLDER.match(child.name))
    }
    return ({"": single} if single else {}) | raters


def _unlabelled(root: Path, taken: set[str]) -> tuple[list[Case], list[Skipped]]:
    cases: list[Case] = []
    skipped: list[Skipped] = []
    for place in places_around(root):
        if not UNLABELLED.match(place.name):
            continue
        inner = find_folder(place, IMAGES)
        files, others = list_nifti(inner or place)
        skipped += others
        for file in files:
            name = check_case_name(nifti_stem(file), str(file))
            if name in taken:
                skipped.append(Skipped(str(file), f"a case {name} stands elsewhere in the collection"))
            else:
                cases.append(Case(name, name, (file,), hints={"split": "unlabelled"}))
                taken.add(name)
    return cases, skipped
