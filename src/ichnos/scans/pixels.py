"""From stored DICOM pixels to Hounsfield units."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt16
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels

from ichnos.errors import PixelError
from ichnos.scans.dicom_headers import SliceHeader, one_line, pydicom_silenced, read_dataset
from ichnos.scans.inputs import InputFile
from ichnos.scans.pixel_format import PixelFormat, describe_format
from ichnos.scans.scan import AIR_HU

_EXACT = 2**24 - 2**16
"""A 16-bit value plus a whole intercept below this is exact in single precision too."""

TISSUE_HU = (-900.0, 3071.0)
"""From lung to the densest bone that a 12-bit CT shows."""


def read_voxels(headers: Sequence[SliceHeader]) -> Float[np.ndarray, "slices rows columns"]:
    """Decode slices one by one into one float32 array in HU, as the images are stored (not turned).

    Padding, and everything below `AIR_HU`, becomes `AIR_HU`; nothing else is changed. Where the
    padding value is one that tissue has too, only padding that reaches the image's edge counts.

    Raises:
        PixelError: pixel data truncated, corrupt, or in an encoding that cannot be read.
    """
    voxels_hu = np.empty((len(headers), headers[0].rows, headers[0].columns), np.float32)
    cells = np.empty(voxels_hu.shape[1:], np.uint16)
    z = 0
    for _, group in groupby(headers, key=lambda header: header.file.name):
        frames = list(group)
        for header, (raw, pixel_format) in zip(frames, _read(frames, cells), strict=True):
            _fill(voxels_hu[z], raw, pixel_format, header.rescale or (1.0, 0.0))
            z += 1
    return voxels_hu


def _fill(
    image_hu: Float[np.ndarray, "rows columns"],
    raw: Integer[np.ndarray, "rows columns"],
    pixel_format: PixelFormat,
    rescale: tuple[float, float],
) -> None:
    stored = stored_values(raw, pixel_format)
    slope, intercept = rescale
    if slope == 1.0 and intercept.is_integer() and abs(intercept) < _EXACT and stored.itemsize <= 2:
        np.add(stored, np.float32(intercept), out=image_hu)
    else:
        image_hu[:] = to_hu(stored, rescale)
    padding = padding_pixels(raw, stored, pixel_format, rescale)
    if padding is not None:
        image_hu[padding] = AIR_HU
    if image_hu.min() < AIR_HU:
        np.maximum(image_hu, AIR_HU, out=image_hu)


def to_hu(
    stored: Integer[np.ndarray, "rows columns"], rescale: tuple[float, float]
) -> Float[np.ndarray, "rows columns"]:
    """Apply (slope, intercept) in double precision."""
    slope, intercept = rescale
    return np.asarray(stored * np.float64(slope) + intercept)


def stored_values(
    raw: Integer[np.ndarray, "rows columns"], pixel_format: PixelFormat
) -> Integer[np.ndarray, "rows columns"]:
    """Take the stored bits out of their cells and restore their sign.

    A 12-bit value may stand in a 16-bit cell whose other bits hold overlays or repeat the sign.

    Args:
        raw: cells, signed as the pixels are.
        pixel_format: of the cells.
    """
    unused = 8 * raw.itemsize - pixel_format.bits
    if unused == 0:
        return raw
    at_the_top = raw.astype(f"u{raw.itemsize}") << (unused - pixel_format.shift)
    return np.asarray(at_the_top.view(f"{'i' if pixel_format.is_signed else 'u'}{raw.itemsize}") >> unused)


def padding_pixels(
    raw: Integer[np.ndarray, "rows columns"],
    stored: Integer[np.ndarray, "rows columns"],
    pixel_format: PixelFormat,
    rescale: tuple[float, float],
) -> Bool[np.ndarray, "rows columns"] | None:
    """Find pixels outside the field of view: PixelPaddingValue, up to PixelPaddingRangeLimit.

    The value may be given as the cell holds it or as the stored bits mean it. Some files declare
    a value that tissue has too, such as 0 HU: then only what reaches the image's edge is padding.
    None where the file names no value.
    """
    if pixel_format.padding is None:
        return None
    low, high = pixel_format.padding
    padding = np.asarray(((raw >= low) & (raw <= high)) | ((stored >= low) & (stored <= high)))
    bounds_hu = to_hu(np.array([[low, high]]), rescale)
    if not ((bounds_hu > TISSUE_HU[0]) & (bounds_hu < TISSUE_HU[1])).any():
        return padding
    from scipy.ndimage import binary_propagation  # slow to import and rarely needed

    edge = np.ones(padding.shape, bool)
    edge[1:-1, 1:-1] = False
    return np.asarray(binary_propagation(edge & padding, mask=padding))


def _read(
    frames: list[SliceHeader], cells: UInt16[np.ndarray, "rows columns"]
) -> Iterator[tuple[Integer[np.ndarray, "rows columns"], PixelFormat]]:
    """Yield the cells, signed as the pixels are, and the format of frames that lie in one file.

    Args:
        frames: in the order of the file.
        cells: what plain pixels are read into; overwritten by the next.
    """
    plain = frames[0].plain_pixels
    if plain is None or not _fill_cells(cells, frames[0].file, plain.offset):
        yield from _decode(frames)
    else:
        yield cells.view(np.int16) if plain.format.is_signed else cells, plain.format


def _fill_cells(cells: UInt16[np.ndarray, "rows columns"], file: InputFile, offset: int) -> bool:
    """Whether the file could be read and is long enough."""
    with file.open() as stream:
        try:
            stream.seek(offset)
            return stream.readinto(cells.data.cast("B")) == cells.nbytes
        except OSError:
            return False


def _decode(frames: list[SliceHeader]) -> Iterator[tuple[Integer[np.ndarray, "rows columns"], PixelFormat]]:
    """As `_read`, whatever the encoding."""
    name = frames[0].file.name
    indices = [header.frame or 0 for header in frames]
    with frames[0].file.open() as stream, pydicom_silenced():
        dataset = None
        try:
            dataset = read_dataset(stream)
            images = iter_pixels(dataset, indices=indices, raw=True, correct_unused_bits=False)
            for _, raw in zip(frames, images, strict=True):
                yield raw, describe_format(dataset)
        except Exception as error:  # decoders raise many kinds on corrupt bytes
            raise PixelError(
                f"{name}: pixel data cannot be decoded, it is cut short, corrupt or in an unknown "
                f"encoding ({_encoding(dataset)}: {one_line(error)}); copy the file again, or convert it to "
                "uncompressed DICOM if it is whole"
            ) from error


def _encoding(dataset: Dataset | None) -> str:
    return "header not readable" if dataset is None else str(dataset.file_meta.TransferSyntaxUID.name)
