"""How the pixels of a DICOM file are stored, in plain types; and where they lie, where that is simple."""

from dataclasses import dataclass
from io import BufferedIOBase

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from ichnos.scans.elements import read_texts, read_whole

PIXEL_TAGS = (
    *("SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit"),
)
"""What tells how pixels are stored."""

CELL_BITS = 16
"""Of plain pixels."""

_PLAIN_SYNTAXES = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian})
_GREY = frozenset({("MONOCHROME1",), ("MONOCHROME2",)})


@dataclass(frozen=True)
class PixelFormat:
    """Which bits of a cell are the pixel, and what they mean.

    Attributes:
        bits: of a pixel.
        shift: bits of its cell that lie below.
        is_signed: whether values are two's complement.
        padding: lowest and highest value outside the field of view, with the sign of the pixels
            whatever the VR says; None if the file names none.
    """

    bits: int
    shift: int
    is_signed: bool
    padding: tuple[int, int] | None


@dataclass(frozen=True)
class PlainPixels:
    """One uncompressed grey image in 16-bit cells, little endian, that is all of a file's pixel data.

    Attributes:
        offset: of its first byte in the file.
        format: of its pixels.
    """

    offset: int
    format: PixelFormat


def describe_format(dataset: Dataset) -> PixelFormat:
    """The format that a header tells.

    A HighBit that does not leave room for the pixel's bits is not believed.

    Raises:
        ValueError: BitsAllocated, BitsStored or PixelRepresentation is missing.
    """
    allocated, bits, sign = (
        _required(dataset, keyword) for keyword in ("BitsAllocated", "BitsStored", "PixelRepresentation")
    )
    high_bit = read_whole(dataset, "HighBit")
    syntax = dataset.file_meta.TransferSyntaxUID
    in_cells = not syntax.is_compressed or syntax == RLELossless
    shift = high_bit + 1 - bits if in_cells and high_bit is not None else 0
    return PixelFormat(
        bits=bits,
        shift=min(max(shift, 0), allocated - bits),
        is_signed=bool(sign),
        padding=_padding(dataset, allocated, is_signed=bool(sign)),
    )


def find_plain_pixels(dataset: Dataset, stream: BufferedIOBase) -> PlainPixels | None:
    """Where the pixels of a file lie, if that is simple and nothing of their description is odd.

    What is odd is left to pydicom, which can read it, or tells why not if the file's series is chosen.

    Args:
        dataset: with `PIXEL_TAGS`, as read up to the pixel data.
        stream: at the pixel data.
    """
    try:
        length = _plain_length(dataset)
        pixel_format = describe_format(dataset) if length else None
    except Exception:  # pydicom raises many kinds on corrupt elements
        return None
    implicit, _ = dataset.original_encoding
    head = stream.read(8 if implicit else 12)
    vrs = (b"",) if implicit else (b"OW\0\0", b"OB\0\0")
    expected = [b"\xe0\x7f\x10\x00" + vr + length.to_bytes(4, "little") for vr in vrs]
    return PlainPixels(stream.tell(), pixel_format) if pixel_format and head in expected else None


def _plain_length(dataset: Dataset) -> int:
    """Bytes of one grey image in 16-bit cells, little endian; 0 if the file describes anything else."""
    _, is_little_endian = dataset.original_encoding
    if not is_little_endian or dataset.file_meta.TransferSyntaxUID not in _PLAIN_SYNTAXES:
        return 0
    rows, columns, samples, allocated, bits, sign = (
        _required(dataset, keyword)
        for keyword in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation")
    )
    is_plain = (
        (samples, allocated) == (1, CELL_BITS)
        and 1 <= bits <= CELL_BITS
        and sign in {0, 1}
        and read_texts(dataset, "NumberOfFrames") in {(), ("1",)}
        and read_texts(dataset, "PhotometricInterpretation") in _GREY
    )
    return rows * columns * CELL_BITS // 8 if is_plain else 0


def _required(dataset: Dataset, keyword: str) -> int:
    value = read_whole(dataset, keyword)
    if value is None:
        raise ValueError(f"no valid {keyword}")
    return value


def _padding(dataset: Dataset, allocated: int, *, is_signed: bool) -> tuple[int, int] | None:
    first, last = read_whole(dataset, "PixelPaddingValue"), read_whole(dataset, "PixelPaddingRangeLimit")
    if first is None:
        return None
    ends = sorted(_with_sign(end, allocated, is_signed=is_signed) for end in (first, first if last is None else last))
    return ends[0], ends[1]


def _with_sign(value: int, bits: int, *, is_signed: bool) -> int:
    """Read so many bits as two's complement, or as a number without a sign."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if is_signed and value >> (bits - 1) else value
