"""Reading 8-bit pictures of slices, for collections that were published as such."""

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from ichnos.errors import ModalityError, PixelError
from ichnos.scans.inputs import check_exists, open_file

EIGHT_BIT = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"})
"""Modes of Pillow whose channels have at most 8 bits."""


def read_grey_image(path: Path) -> UInt8[np.ndarray, "rows columns"]:
    """Read a picture (JPEG, PNG, ...) as grey levels 0 to 255; colour becomes its luma.

    Raises:
        ScanNotFoundError: nothing there, or not permitted.
        PixelError: no picture, cut short or corrupt.
        ModalityError: more than 8 bits a pixel, which would have to be windowed first.
    """
    check_exists(path)
    with open_file(path) as file:
        try:
            with Image.open(io.BytesIO(file.read())) as picture:
                mode = picture.mode
                grey = np.array(picture.convert("L")) if mode in EIGHT_BIT else None
        except Exception as error:  # decoders raise many kinds on corrupt bytes
            reason = " ".join(str(error).split())[:160] or type(error).__name__
            raise PixelError(f"{path}: cannot be read as a picture ({reason}); copy it again") from error
    if grey is None:
        raise ModalityError(f"{path}: has pixels of kind {mode}, not 8 bits; give the 8-bit picture")
    return grey
