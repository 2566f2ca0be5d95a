"""Multi-frame Enhanced CT, seen as if each frame were a slice of its own.

An Enhanced CT file keeps what differs between frames in "functional groups": sequences that
stand once for all frames (shared) or once for each (per-frame), DICOM PS3.3 C.7.6.16.
"""

from pydicom.dataset import Dataset

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
FRAME_GROUPS = (SHARED, PER_FRAME)

GROUP_ELEMENTS = {
    "PlanePositionSequence": {"ImagePositionPatient": "ImagePositionPatient"},
    "PlaneOrientationSequence": {"ImageOrientationPatient": "ImageOrientationPatient"},
    "PixelMeasuresSequence": {"PixelSpacing": "PixelSpacing", "SliceThickness": "SliceThickness"},
    "PixelValueTransformationSequence": {
        "RescaleSlope": "RescaleSlope",
        "RescaleIntercept": "RescaleIntercept",
        "RescaleType": "RescaleType",
    },
    "CTImageFrameTypeSequence": {"FrameType": "ImageType"},
    "CTReconstructionSequence": {"ConvolutionKernel": "ConvolutionKernel"},
}
"""Functional group -> element in it -> element of a single-frame file that means the same."""


def split_frames(dataset: Dataset) -> list[Dataset] | None:
    """Make one flat header of each frame; None if the file has no functional groups.

    Args:
        dataset: header of a file; its own elements hold for all frames.
    """
    per_frame = dataset[PER_FRAME].value if PER_FRAME in dataset else None
    if not per_frame:
        return None
    shared = dataset.get(SHARED) or [Dataset()]
    return [_flatten(dataset, shared[0], own) for own in per_frame]


def _flatten(dataset: Dataset, shared: Dataset, own: Dataset) -> Dataset:
    flat = Dataset()
    for element in dataset:
        if element.keyword not in FRAME_GROUPS:
            flat.add(element)
    for groups in (shared, own):
        for group, elements in GROUP_ELEMENTS.items():
            for item in groups.get(group) or []:
                _copy(item, flat, elements)
    return flat


def _copy(item: Dataset, flat: Dataset, elements: dict[str, str]) -> None:
    for keyword, flat_keyword in elements.items():
        if keyword in item:
            flat.add_new(flat_keyword, item[keyword].VR, item[keyword].value)
