"""Folders in the form of nnU-Net or the Medical Segmentation Decathlon.

dataset.json
imagesTr/case_0000.nii.gz   labelsTr/case.nii.gz   for training; without _0000 in the Decathlon
imagesTs/...                labelsTs/...           for testing; labels are often kept back
splits_final.json           [{"train": [...], "val": [...]}, ...], if it lies here
"""

import json
import re
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from ichnos.cohorts.case import Case, Cohort, Skipped
from ichnos.cohorts.readers.drawn import MAJORITY, load_drawn
from ichnos.cohorts.readers.layout import check_case_name, few, find_folder, list_nifti, nifti_stem, places_around
from ichnos.cohorts.readers.nnunet_json import DatasetJson, read_dataset_json
from ichnos.cohorts.readers.rsna_names import patients_note, with_rsna_patient
from ichnos.errors import CohortError

PARTS = {"train": ("imagesTr", "labelsTr"), "test": ("imagesTs", "labelsTs")}
CHANNEL = re.compile(r"_(\d{4})$")
PATIENTS_NOTE = "patients are not told; each case is taken as a patient"
SPLITS = "splits_final.json"


def open_nnunet(root: Path) -> Cohort:
    """List the cases of a dataset folder, or of a folder that holds just one.

    Names as those of BHSD tell the patient in RSNA 2019; other names tell none.

    Raises:
        CohortError: no `dataset.json`, or several; one that does not describe a head CT with bleeds.
    """
    description = find_dataset_json(root)
    if description is None:
        raise CohortError(f"{root}: holds no dataset.json; give the folder of one nnU-Net dataset (DatasetNNN_Name)")
    told = read_dataset_json(description)
    listed, skipped, notes = list_nnunet(description.parent, told)
    cases = tuple(map(with_rsna_patient, listed))
    tells_any = any(case.identifiers for case in cases)
    return Cohort(
        name="nnunet",
        root=description.parent,
        licence=told.licence or "not told by dataset.json; ask who made it",
        cases=cases,
        load=partial(load_drawn, classes=told.classes, rater=MAJORITY),
        skipped=tuple(skipped),
        notes=(*notes, *(patients_note(cases) if tells_any else [PATIENTS_NOTE])),
    )


def find_dataset_json(root: Path) -> Path | None:
    """The one `dataset.json` at or below `root`; None if there is none.

    Raises:
        CohortError: there are several.
    """
    if not root.is_dir():
        return None
    places = [place for place in places_around(root) if (place / "dataset.json").is_file()]
    if places and places[0] == root:
        return root / "dataset.json"
    if len(places) > 1:
        raise CohortError(f"{root}: holds {len(places)} datasets ({few([place.name for place in places])}); name one")
    return places[0] / "dataset.json" if places else None


def list_nnunet(folder: Path, told: DatasetJson) -> tuple[list[Case], list[Skipped], list[str]]:
    """Cases, files that belong to none, and notes of a dataset folder."""
    found: dict[str, Case] = {}
    skipped: list[Skipped] = []
    folds = _folds(folder)
    pairs = {("train", case): pair for case, pair in told.listed.items()} if told.listed else _pairs(folder, skipped)
    for (part, name), (image, label) in sorted(pairs.items(), key=lambda item: item[0][1]):
        lost = [path for path in (image, label) if path is not None and not path.exists()]
        if lost or name in found:
            skipped.append(Skipped(str(image), f"no file {lost[0]}" if lost else f"case {name} stands there twice"))
            continue
        hints = {"split": part} | ({"fold": folds[name]} if name in folds else {})
        masks = {} if label is None else {"": label}
        found[name] = Case(check_case_name(name, str(image)), name, (image,), masks=masks, hints=hints)
    return list(found.values()), skipped, [*told.notes, *_notes(found, told, folds)]


def _pairs(folder: Path, skipped: list[Skipped]) -> dict[tuple[str, str], tuple[Path, Path | None]]:
    pairs: dict[tuple[str, str], tuple[Path, Path | None]] = {}
    if find_folder(folder, ["imagesTr"]) is None:
        raise CohortError(f"{folder}: holds no imagesTr; give the folder of one nnU-Net dataset")
    for part, (images_name, labels_name) in PARTS.items():
        images, others = _files(find_folder(folder, [images_name]))
        labels, other_labels = _files(find_folder(folder, [labels_name]))
        skipped += others + other_labels
        by_case = _distinct(labels, [nifti_stem(label) for label in labels])
        names = [_case_of(image, by_case.keys()) for image in images]
        by_image = _distinct(images, names)
        pairs |= {(part, name): (image, by_case.get(name)) for name, image in by_image.items()}
        orphans = sorted(by_case.keys() - by_image.keys())
        skipped += [Skipped(str(by_case[name]), "a mask without an image") for name in orphans]
    return pairs


def _files(folder: Path | None) -> tuple[list[Path], list[Skipped]]:
    return ([], []) if folder is None else list_nifti(folder)


def _distinct(files: Sequence[Path], names: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file, name in zip(files, names, strict=True):
        if found.setdefault(name, file) is not file:
            raise CohortError(f"{found[name]} and {file.name} stand for the same case; keep one of them")
    return found


def _case_of(image: Path, labelled: Collection[str]) -> str:
    """The name without the number of the channel, which the Decathlon does not write."""
    stem = nifti_stem(image)
    channel = CHANNEL.search(stem)
    if stem in labelled or channel is None:
        return stem
    if channel[1] != "0000":
        raise CohortError(f"{image}: is channel {int(channel[1])}; only one channel of CT can be read")
    return stem[: channel.start()]


def _folds(folder: Path) -> dict[str, str]:
    """Which fold a case is validated in, from `splits_final.json`."""
    path = folder / SPLITS
    if not path.is_file():
        return {}
    try:
        splits = json.loads(path.read_text(encoding="utf-8-sig"))
        return {str(case): str(fold) for fold, split in enumerate(splits) for case in split["val"]}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CohortError(f'{path}: is not a list of {{"train": [...], "val": [...]}}; repair or remove it') from error


def _notes(found: dict[str, Case], told: DatasetJson, folds: dict[str, str]) -> list[str]:
    training = [case for case in found.values() if case.hints["split"] == "train"]
    unmasked = [case.case for case in training if not case.masks]
    strangers = sorted(folds.keys() - found.keys())
    notes = {
        f"dataset.json tells of {told.training} training cases; found {len(training)}": told.training
        not in {None, len(training)},
        f"{len(unmasked)} training case(s) have no mask: {few(unmasked)}": bool(unmasked),
        f"{SPLITS} names {len(strangers)} case(s) that are not there: {few(strangers)}": bool(strangers),
    }
    return [note for note, applies in notes.items() if applies]
