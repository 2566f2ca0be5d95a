import numpy as np
from PIL import Image

from ichnos.reports.overlap import ComparedSlice, colour_overlap, draw_overlaps, write_overlaps


def compared(name="case 1, slice 3"):
    label, predicted = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    label[4:12, 4:12] = True
    predicted[8:16, 8:16] = True
    return ComparedSlice(name, np.full((20, 20), 40.0, np.float32), label, {"HGI-SAM": predicted, "U-Net": label})


def test_each_kind_of_pixel_has_its_colour():
    one = compared()
    picture = colour_overlap(np.full((20, 20), 0.5), one.label, one.predicted["HGI-SAM"]).astype(int)
    red, green, blue = picture[14, 14]
    assert red > green + 80
    assert red > blue + 80
    red, green, blue = picture[5, 5]
    assert green > red + 80
    assert green > blue + 80
    red, green, blue = picture[10, 10]
    assert min(red, green) > blue + 80
    assert picture[0, 0].tolist() == [128, 128, 128]


def test_a_column_for_the_slice_and_one_for_each_method():
    sheet = draw_overlaps([compared(), compared("case 2")], "phantoms")
    assert sheet.size == (600, 2 * 18 + 400)
    right = np.asarray(sheet.crop((400, 36, 600, 236))).astype(int)
    yellow = (right[..., 0] > 150) & (right[..., 1] > 150) & (right[..., 2] < 110)
    assert abs(yellow.mean() - 64 / 400) < 0.02, "label against itself is yellow only"


def test_written_it_is_a_png(tmp_path):
    write_overlaps([compared()], tmp_path / "overlap.png", "phantoms")
    with Image.open(tmp_path / "overlap.png") as picture:
        assert picture.format == "PNG"
