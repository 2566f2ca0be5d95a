"""What the header of a DICOM slice says, checked and in plain types."""

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import PurePath
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    LegacyConvertedEnhancedCTImageStorage,
)

from ichnos.errors import PixelError
from ichnos.scans.elements import read_texts
from ichnos.scans.enhanced import FRAME_GROUPS, split_frames
from ichnos.scans.inputs import InputFile
from ichnos.scans.pixel_format import PIXEL_TAGS, PlainPixels, find_plain_pixels

CT_CLASSES = frozenset({CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage})
Vector = tuple[float, ...]

HEADER_TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "Modality"),
    *("ImageType", "ImagePositionPatient", "ImageOrientationPatient"),
    *("PixelSpacing", "SliceThickness", "RescaleSlope", "RescaleIntercept", "RescaleType"),
    *("ConvolutionKernel", "ContrastBolusAgent", "ContrastBolusAgentSequence", "BodyPartExamined"),
    *FRAME_GROUPS,
    *PIXEL_TAGS,
)
"""The only tags that are read before a series is chosen; names and dates of patients are not."""

_TAGS = [Tag(keyword) for keyword in HEADER_TAGS]

UNIT_TOLERANCE = 0.01
"""How far the axes of an image may be from unit length and from a right angle; files round them."""


@dataclass(frozen=True)
class SliceHeader:
    """One slice: a single-frame file, or one frame of a multi-frame file.

    Attributes:
        file: where it lies.
        frame: index from 0 in a multi-frame file; None in a single-frame file.
        instance_uid: SOPInstanceUID.
        series_uid: SeriesInstanceUID, empty if missing.
        series_number: SeriesNumber, empty if missing.
        description: SeriesDescription, empty if missing.
        modality: such as CT or MR.
        image_type: in upper case.
        rows: 0 if the file holds no image.
        columns: 0 if the file holds no image.
        samples: values per pixel; 3 for colour.
        position_mm: ImagePositionPatient, LPS+; None if missing or malformed (as the next two).
        orientation: unit vectors along a row and along a column, LPS+; None if missing.
        pixel_spacing_mm: between rows, between columns; None if missing.
        thickness_mm: SliceThickness; None if missing. Never used where positions tell.
        rescale: (slope, intercept) to HU; None if missing.
        rescale_type: HU, US or empty for Hounsfield units.
        kernel: ConvolutionKernel.
        contrast: ContrastBolusAgent.
        body_part: BodyPartExamined.
        unsigned_bits: BitsStored of pixels without a sign (PixelRepresentation 0); None for others.
        plain_pixels: where the pixels lie, if they can be read without pydicom.
    """

    file: InputFile
    frame: int | None
    instance_uid: str
    series_uid: str
    series_number: str
    description: str
    modality: str
    image_type: tuple[str, ...]
    rows: int
    columns: int
    samples: int
    position_mm: Vector | None
    orientation: Vector | None
    pixel_spacing_mm: Vector | None
    thickness_mm: float | None
    rescale: tuple[float, float] | None
    rescale_type: str
    kernel: str
    contrast: str
    body_part: str
    unsigned_bits: int | None = None
    plain_pixels: PlainPixels | None = None

    @property
    def uid(self) -> str:
        """`instance_uid`, with the frame counted from 1 (as DICOM does) for multi-frame files."""
        return self.instance_uid if self.frame is None else f"{self.instance_uid}#{self.frame + 1}"


def read_headers(files: Iterable[InputFile]) -> tuple[list[SliceHeader], list[str]]:
    """Read the headers of all DICOM files among `files`; other files are passed over.

    Returns:
        Headers (one per frame), and names of files that are not DICOM although they are called so, as
        `1.dcm` and `IM0001` are and `notes.txt` is not.

    Raises:
        PixelError: a DICOM file whose header is cut short or corrupt.
    """
    headers: list[SliceHeader] = []
    not_dicom: list[str] = []
    for file in files:
        found = _headers_of(file)
        if found is not None:
            headers += found
        elif _is_called_dicom(file.name):
            not_dicom.append(file.name)
    return headers, not_dicom


def _is_called_dicom(name: str) -> bool:
    ending = PurePath(name).suffix.lower().removeprefix(".")
    return ending in {"", "dcm", "ima"} or ending.isdigit()


@contextmanager
def pydicom_silenced() -> Iterator[None]:
    """Keep pydicom's warnings on sloppy but readable files from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_dataset(stream: BufferedIOBase, **options: Any) -> Dataset:  # noqa: ANN401 - passed on to pydicom
    """Read with pydicom, also a file without the 128-byte preamble if its start shows one."""
    start = stream.read(8)
    stream.seek(0)
    dataset = pydicom.dcmread(stream, force=_starts_with_element(start), **options)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset


def one_line(error: BaseException, longest: int = 160) -> str:
    """Shorten the message of a library to fit into ours."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _headers_of(file: InputFile) -> list[SliceHeader] | None:
    """Headers of all frames of a file; None if it is not DICOM."""
    with file.open() as stream, pydicom_silenced():
        try:
            return _parse(file, stream)
        except InvalidDicomError:
            return None
        except Exception as error:  # the parser raises many kinds on corrupt bytes
            raise PixelError(
                f"{file.name}: the DICOM header is cut short or corrupt ({one_line(error)}); copy the file again"
            ) from error


def _parse(file: InputFile, stream: BufferedIOBase) -> list[SliceHeader]:
    dataset = read_dataset(stream, stop_before_pixels=True, specific_tags=_TAGS)
    if _text(dataset, "SOPClassUID") in CT_CLASSES and not _number(dataset, "Columns"):
        raise EOFError("it ends before the image size")  # pydicom takes an early end for the end
    frames = split_frames(dataset)
    if frames is None:
        return [replace(_header(file, dataset, None), plain_pixels=find_plain_pixels(dataset, stream))]
    return [_header(file, frame, index) for index, frame in enumerate(frames)]


def _starts_with_element(start: bytes) -> bool:
    """Whether bytes look like a DICOM element of group 0002 or 0008, little endian."""
    return len(start) == 8 and start[:2] in {b"\x02\x00", b"\x08\x00"} and start[3] == 0 and start[2] < 0x20


def _header(file: InputFile, dataset: Dataset, frame: int | None) -> SliceHeader:
    slope, intercept = _number(dataset, "RescaleSlope"), _number(dataset, "RescaleIntercept")
    return SliceHeader(
        file=file,
        frame=frame,
        instance_uid=_text(dataset, "SOPInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        series_number=_text(dataset, "SeriesNumber"),
        description=" ".join(_text(dataset, "SeriesDescription").split()),
        modality=_text(dataset, "Modality"),
        image_type=tuple(part.upper() for part in read_texts(dataset, "ImageType")),
        rows=int(_number(dataset, "Rows") or 0),
        columns=int(_number(dataset, "Columns") or 0),
        samples=int(_number(dataset, "SamplesPerPixel") or 1),
        position_mm=_vector(dataset, "ImagePositionPatient", 3),
        orientation=_orientation(dataset),
        pixel_spacing_mm=_pixel_spacing_mm(dataset),
        thickness_mm=_number(dataset, "SliceThickness"),
        rescale=None if slope is None or intercept is None else (slope, intercept),
        rescale_type=_text(dataset, "RescaleType").upper(),
        kernel=" ".join(read_texts(dataset, "ConvolutionKernel")),
        contrast=_contrast(dataset),
        body_part=_text(dataset, "BodyPartExamined").upper(),
        unsigned_bits=_unsigned_bits(dataset),
    )


def _orientation(dataset: Dataset) -> Vector | None:
    """ImageOrientationPatient if it is two unit vectors at a right angle."""
    vector = _vector(dataset, "ImageOrientationPatient", 6)
    if vector is None:
        return None
    row, column = vector[:3], vector[3:]
    products = _dot(row, row) - 1.0, _dot(column, column) - 1.0, _dot(row, column)
    return vector if max(abs(product) for product in products) <= UNIT_TOLERANCE else None


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _pixel_spacing_mm(dataset: Dataset) -> Vector | None:
    vector = _vector(dataset, "PixelSpacing", 2)
    return vector if vector is not None and min(vector) > 0 else None


def _unsigned_bits(dataset: Dataset) -> int | None:
    bits = _number(dataset, "BitsStored")
    return int(bits) if bits is not None and _number(dataset, "PixelRepresentation") == 0 else None


def _contrast(dataset: Dataset) -> str:
    """ContrastBolusAgent, or the name in the sequence that Enhanced CT uses instead."""
    text, sequence = _text(dataset, "ContrastBolusAgent"), "ContrastBolusAgentSequence"
    if text or sequence not in dataset:
        return text
    return " ".join(_text(agent, "CodeMeaning") for agent in dataset[sequence].value or [])


def _text(dataset: Dataset, keyword: str) -> str:
    return "\\".join(read_texts(dataset, keyword)).strip()


def _number(dataset: Dataset, keyword: str) -> float | None:
    vector = _vector(dataset, keyword, 1)
    return None if vector is None else vector[0]


def _vector(dataset: Dataset, keyword: str, length: int) -> Vector | None:
    """Finite numbers of an element; None if it is missing, malformed or of another length."""
    try:
        values = tuple(float(text) for text in read_texts(dataset, keyword))
    except ValueError:
        return None
    finite = all(abs(value) < float("inf") for value in values)
    return values if len(values) == length and finite else None
