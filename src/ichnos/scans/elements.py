"""Elements of a DICOM header in plain types.

The kinds that most elements are of are taken as they stand in the file. pydicom would make the same
of them, but its objects take longer to make than the pixels of a slice take to read.
"""

from functools import cache
from typing import Any, Literal

from pydicom.charset import default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag

_tag = cache(Tag)
_TEXT_VRS = frozenset({"CS", "DS", "UI"})
_WHOLE_VRS = frozenset({"US", "SS"})


def read_texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of an element as text; empty if it is missing."""
    element = _element(dataset, keyword)
    if isinstance(element, RawDataElement) and element.VR in _TEXT_VRS and element.value:
        return tuple(element.value.decode(default_encoding).rstrip(" \0").split("\\"))
    value = _value(dataset, keyword, element)
    if value is None:
        return ()
    return tuple(str(part) for part in value) if isinstance(value, MultiValue) else (str(value),)


def read_whole(dataset: Dataset, keyword: str) -> int | None:
    """The whole number in an element; None if it is missing or something else."""
    value = _value(dataset, keyword, _element(dataset, keyword))
    return value if isinstance(value, int) else None


def _element(dataset: Dataset, keyword: str) -> DataElement | RawDataElement | None:
    return dataset.get_item(_tag(keyword))


def _value(dataset: Dataset, keyword: str, element: DataElement | RawDataElement | None) -> Any:  # noqa: ANN401 - pydicom's
    if isinstance(element, RawDataElement) and element.VR in _WHOLE_VRS and element.value and len(element.value) == 2:
        order: Literal["little", "big"] = "little" if element.is_little_endian else "big"
        return int.from_bytes(element.value, order, signed=element.VR == "SS")
    return None if element is None else dataset.get(keyword)
