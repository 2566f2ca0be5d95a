import numpy as np
import pytest
from PIL import Image

from ichnos.errors import ModalityError, PixelError, ScanNotFoundError
from ichnos.scans.grey_image import read_grey_image

GREY = np.arange(6 * 8, dtype=np.uint8).reshape(6, 8) * 5


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_grey_levels_are_the_same_in_every_mode(tmp_path, mode):
    Image.fromarray(GREY).convert(mode).save(tmp_path / "slice.png")
    np.testing.assert_array_equal(read_grey_image(tmp_path / "slice.png"), GREY)


def test_rows_and_columns_are_not_swapped(tmp_path):
    Image.fromarray(np.repeat(np.repeat(GREY, 8, 0), 8, 1)).save(tmp_path / "slice.jpg", quality=95)
    grey = read_grey_image(tmp_path / "slice.jpg")
    assert grey.shape == (48, 64)
    assert np.abs(grey[4::8, 4::8].astype(int) - GREY).max() <= 3


def test_what_is_no_picture_is_refused_in_one_line(tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    Image.fromarray(np.tile(GREY, (50, 50))).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    for name in ("text.jpg", "cut.jpg"):
        with pytest.raises(PixelError, match=f"{name}.*copy it again"):
            read_grey_image(tmp_path / name)
    with pytest.raises(ScanNotFoundError, match=r"gone\.jpg"):
        read_grey_image(tmp_path / "gone.jpg")


def test_more_than_8_bits_are_refused(tmp_path):
    Image.fromarray(GREY.astype(np.uint16) * 200).save(tmp_path / "deep.png")
    with pytest.raises(ModalityError, match="8 bits"):
        read_grey_image(tmp_path / "deep.png")
