"""The table of RSNA 2019: one row an image and kind of bleed, some of them twice."""

from dataclasses import dataclass
from pathlib import Path

from ichnos.cohorts.readers.tables import iterate_columns
from ichnos.cohorts.slice_store import LABELS, UNKNOWN
from ichnos.errors import CohortError

_WIDTH = len(LABELS)
_ALL = (1 << _WIDTH) - 1
_VALUES = {"0": 0, "1": 1, "0.0": 0, "1.0": 1}


@dataclass(frozen=True)
class ImageLabels:
    """Labels of all images of the table.

    Attributes:
        labels: six values by image (`ID_...` in lower case), in the order of `LABELS`.
        repeated_rows: rows that said again what an earlier one had said; dropped.
        contradicted: images of which one row says yes and another no; all their labels are unknown.
        incomplete: images without a row for each of the six labels.
        illogical: images whose `any` is not what their subtypes say.
    """

    labels: dict[str, tuple[int, ...]]
    repeated_rows: int
    contradicted: tuple[str, ...]
    incomplete: int
    illogical: int


def read_image_labels(path: Path) -> ImageLabels:
    """Stream the table (columns `ID`, as `ID_63eb1e259_epidural`, and `Label`).

    Raises:
        CohortError: a row that is not of this form, with its line.
    """
    packed: dict[str, int] = {}  # of an image: which labels are told (low bits), which are yes, which contradict
    repeated = 0
    for line, (identifier, label) in iterate_columns(path, ["ID", "Label"]):
        image, column, yes = _parse(path, line, identifier, label)
        told = packed.get(image, 0)
        if told >> column & 1:
            repeated += 1
            contradicts = (told >> _WIDTH + column & 1) != yes
            told |= contradicts << 2 * _WIDTH + column
        packed[image] = told | 1 << column | yes << _WIDTH + column
    contradicted = tuple(sorted(image for image, bits in packed.items() if bits >> 2 * _WIDTH))
    unpacked = {bits: _unpack(bits) for bits in set(packed.values())}
    return ImageLabels(
        labels={image: unpacked[bits] for image, bits in packed.items()},
        repeated_rows=repeated,
        contradicted=contradicted,
        incomplete=sum(bits & _ALL != _ALL for bits in packed.values()),
        illogical=sum(_is_illogical(unpacked[bits]) for bits in packed.values()),
    )


def _parse(path: Path, line: int, identifier: str, label: str) -> tuple[str, int, int]:
    image, _, name = identifier.lower().rpartition("_")
    if not image or name not in LABELS:
        raise CohortError(
            f"{path} line {line}, column ID: {identifier!r} does not end in a kind of bleed "
            f"({', '.join(LABELS)}); is it the table of labels?"
        )
    if label not in _VALUES:
        raise CohortError(f"{path} line {line}, column Label: {label!r} is neither 0 nor 1; copy the file again")
    return image, LABELS.index(name), _VALUES[label]


def _unpack(bits: int) -> tuple[int, ...]:
    if bits >> 2 * _WIDTH:
        return (UNKNOWN,) * _WIDTH
    return tuple((bits >> _WIDTH + column & 1) if bits >> column & 1 else UNKNOWN for column in range(_WIDTH))


def _is_illogical(labels: tuple[int, ...]) -> bool:
    return UNKNOWN not in labels and labels[0] != max(labels[1:])
