"""From stored DICOM pixels to Hounsfield units."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from jaxtyping import Bool, Float, Integer
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import RLELossless

from ichnos.errors import PixelError
from ichnos.scans.dicom_headers import SliceHeader, one_line, pydicom_silenced, read_dataset
from ichnos.scans.scan import AIR_HU

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
    z = 0
    for _, group in groupby(headers, key=lambda header: header.file.name):
        frames = list(group)
        for header, (stored, padding) in zip(frames, _decode(frames), strict=True):
            voxels_hu[z] = to_hu(stored, header.rescale or (1.0, 0.0))
            voxels_hu[z][padding] = AIR_HU
            z += 1
    return np.maximum(voxels_hu, AIR_HU, out=voxels_hu)


def to_hu(
    stored: Integer[np.ndarray, "rows columns"], rescale: tuple[float, float]
) -> Float[np.ndarray, "rows columns"]:
    """Apply (slope, intercept) in double precision."""
    slope, intercept = rescale
    return np.asarray(stored * np.float64(slope) + intercept)


def stored_values(raw: Integer[np.ndarray, "rows columns"], dataset: Dataset) -> Integer[np.ndarray, "rows columns"]:
    """Take the stored bits out of their cells and restore their sign.

    A 12-bit value may stand in a 16-bit cell whose other bits hold overlays or repeat the sign.
    """
    bits, high_bit = dataset.BitsStored, dataset.get("HighBit", dataset.BitsStored - 1)
    as_stored = not dataset.file_meta.TransferSyntaxUID.is_compressed
    in_cells = as_stored or dataset.file_meta.TransferSyntaxUID == RLELossless
    shift = high_bit + 1 - bits if in_cells else 0
    values = (raw.astype(np.int64) >> shift) & ((1 << bits) - 1)
    return _signed(values, bits) if dataset.PixelRepresentation else values


def padding_pixels(
    raw: Integer[np.ndarray, "rows columns"],
    stored: Integer[np.ndarray, "rows columns"],
    dataset: Dataset,
    rescale: tuple[float, float],
) -> Bool[np.ndarray, "rows columns"]:
    """Find pixels outside the field of view: PixelPaddingValue, up to PixelPaddingRangeLimit.

    The value may be given as the cell holds it or as the stored bits mean it. Some files declare
    a value that tissue has too, such as 0 HU: then only what reaches the image's edge is padding.
    """
    bounds = _padding_bounds(dataset)
    if bounds is None:
        return np.zeros(stored.shape, bool)
    low, high = bounds
    cells = _cell_values(raw.astype(np.int64), dataset)
    padding = np.asarray(((cells >= low) & (cells <= high)) | ((stored >= low) & (stored <= high)))
    bounds_hu = to_hu(np.array([[low, high]]), rescale)
    if not ((bounds_hu > TISSUE_HU[0]) & (bounds_hu < TISSUE_HU[1])).any():
        return padding
    from scipy.ndimage import binary_propagation  # slow to import and rarely needed

    edge = np.ones(padding.shape, bool)
    edge[1:-1, 1:-1] = False
    return np.asarray(binary_propagation(edge & padding, mask=padding))


def _padding_bounds(dataset: Dataset) -> tuple[int, int] | None:
    """Lowest and highest padding value, with the sign of the pixels whatever the VR says."""
    first = dataset.get("PixelPaddingValue")
    if not isinstance(first, int):
        return None
    last = dataset.get("PixelPaddingRangeLimit")
    ends = _cell_values(np.array([first, last if isinstance(last, int) else first]), dataset)
    return int(ends.min()), int(ends.max())


def _cell_values(raw: Integer[np.ndarray, "*shape"], dataset: Dataset) -> Integer[np.ndarray, "*shape"]:
    """What whole cells hold, signed as the pixels are."""
    bits = dataset.BitsAllocated
    values = raw & ((1 << bits) - 1)
    return _signed(values, bits) if dataset.PixelRepresentation else np.asarray(values)


def _signed(values: Integer[np.ndarray, "*shape"], bits: int) -> Integer[np.ndarray, "*shape"]:
    """Read unsigned integers of so many bits as two's complement."""
    return np.asarray(values - ((values >> (bits - 1)) << bits))


def _decode(
    frames: list[SliceHeader],
) -> Iterator[tuple[Integer[np.ndarray, "rows columns"], Bool[np.ndarray, "rows columns"]]]:
    """Yield stored values and padding of frames that lie in one file."""
    name = frames[0].file.name
    indices = [header.frame or 0 for header in frames]
    with frames[0].file.open() as stream, pydicom_silenced():
        dataset = None
        try:
            dataset = read_dataset(stream)
            images = iter_pixels(dataset, indices=indices, raw=True, correct_unused_bits=False)
            for header, raw in zip(frames, images, strict=True):
                stored = stored_values(raw, dataset)
                yield stored, padding_pixels(raw, stored, dataset, header.rescale or (1.0, 0.0))
        except Exception as error:  # decoders raise many kinds on corrupt bytes
            raise PixelError(
                f"{name}: pixel data cannot be decoded, it is cut short, corrupt or in an unknown "
                f"encoding ({_encoding(dataset)}: {one_line(error)}); copy the file again, or convert it to "
                "uncompressed DICOM if it is whole"
            ) from error


def _encoding(dataset: Dataset | None) -> str:
    return "header not readable" if dataset is None else str(dataset.file_meta.TransferSyntaxUID.name)
