"""`dataset.json` of nnU-Net (version 2 and 1) and of the Medical Segmentation Decathlon."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ichnos.cohorts.readers.class_names import name_classes
from ichnos.errors import CohortError
from ichnos.scans.nifti import ENDINGS

CT_NAMES = frozenset({"ct", "ncct", "nect", "ct scan", "head ct", "non-contrast ct"})


@dataclass(frozen=True)
class DatasetJson:
    """What a `dataset.json` says.

    Attributes:
        classes: of masks by number; background and `ignore` are not among them.
        ending: of image files, `.nii.gz` where it is not told.
        training: number of training cases; None if not told.
        listed: by case (image, label), where the file lists them itself (nnU-Net 2.2 and later).
        licence: as told, or empty.
        notes: what a user should know.
    """

    classes: dict[int, str | None]
    ending: str
    training: int | None
    listed: dict[str, tuple[Path, Path | None]]
    licence: str
    notes: tuple[str, ...]


def read_dataset_json(path: Path) -> DatasetJson:
    """Read and check a `dataset.json`.

    Raises:
        CohortError: no JSON; not one channel of CT; classes that are not known; files other than NIfTI.
    """
    content = _content(path)
    _check_channel(path, content)
    ending = str(content.get("file_ending", ENDINGS[1]))
    if ending.lower() not in ENDINGS:
        raise CohortError(
            f"{path}: file_ending is {ending!r}; only {' and '.join(ENDINGS)} can be read, convert the files"
        )
    regions = _regions(path, content)
    ignored = regions.pop("ignore", ())
    notes = tuple(
        f"class {number} (`ignore`) is no answer: scans whose masks hold it are refused" for number in ignored
    )
    training = content.get("numTraining")
    return DatasetJson(
        classes=name_classes(regions, str(path)),
        ending=ending,
        training=training if isinstance(training, int) else None,
        listed=_listed(path, content),
        licence=str(content.get("licence") or content.get("license") or ""),
        notes=notes,
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CohortError(f"{path}: cannot be read as JSON ({' '.join(str(error).split())}); repair it") from error
    if not isinstance(content, dict):
        raise CohortError(f"{path}: holds {type(content).__name__}, not the description of a dataset; repair it")
    return content


def _check_channel(path: Path, content: Mapping[str, Any]) -> None:
    channels = content.get("channel_names", content.get("modality"))
    if not isinstance(channels, dict) or not channels:
        raise CohortError(f"{path}: has no channel_names (or modality); write {{'0': 'CT'}}")
    names = [str(name).strip() for name in channels.values()]
    if len(names) > 1 or names[0].lower() not in CT_NAMES:
        raise CohortError(f"{path}: channels are {', '.join(names)}; only one channel of CT can be read")


def _regions(path: Path, content: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Numbers by name, from either way round: {name: number or numbers} or {number: name}."""
    labels = content.get("labels")
    if not isinstance(labels, dict):
        raise CohortError(f"{path}: has no labels; write which class is which number")
    regions: dict[str, tuple[int, ...]] = {}
    for key, value in labels.items():
        name, numbers = (value, [key]) if isinstance(value, str) and key.isdigit() else (key, value)
        several = numbers if isinstance(numbers, list) else [numbers]
        try:
            regions[str(name).strip()] = tuple(int(number) for number in several)
        except (TypeError, ValueError) as error:
            raise CohortError(f"{path}: label {key!r} is {value!r}, not a number or a list of numbers") from error
    background = [name for name, numbers in regions.items() if 0 in numbers]
    if background != [name for name in regions if name.lower() == "background"] or len(background) != 1:
        raise CohortError(
            f"{path}: 0 must be the background and nothing else; it is {', '.join(background) or 'not told'}"
        )
    del regions[background[0]]
    return {name.lower() if name.lower() == "ignore" else name: numbers for name, numbers in regions.items()}


def _listed(path: Path, content: Mapping[str, Any]) -> dict[str, tuple[Path, Path | None]]:
    dataset = content.get("dataset")
    if not isinstance(dataset, dict):
        return {}
    listed = {}
    for case, files in dataset.items():
        images = files.get("images") if isinstance(files, dict) else None
        if not isinstance(images, list) or len(images) != 1:
            raise CohortError(f"{path}: case {case!r} does not list one image; a CT has one channel")
        label = files.get("label")
        listed[str(case)] = (path.parent / str(images[0]), path.parent / str(label) if label else None)
    return listed
