import numpy as np
import pytest
from scans.dicom_files import ct_slice, pattern, save, save_series, tilted

from ichnos.errors import GeometryError, ModalityError
from ichnos.scans.dicom_headers import read_headers
from ichnos.scans.inputs import input_files
from ichnos.scans.stack import stack_slices


def stacked(folder, **options):
    with input_files([folder]) as files:
        headers, _ = read_headers(files)
    return stack_slices(headers, where="ct", **options)


def save_slices(folder, *slices):
    for number, dataset in enumerate(slices):
        save(dataset, folder / str(number))


def test_slices_are_ordered_from_feet_to_head(tmp_path):
    save_series(tmp_path, (3, -2, 8, 15))
    stack = stacked(tmp_path)
    assert [header.position_mm[2] for header in stack.headers] == [-2, 3, 8, 15]
    np.testing.assert_allclose(stack.geometry.origins_mm[0], [8.0, 8.4, -2])
    np.testing.assert_allclose(stack.geometry.row_steps_mm[0], [0, -0.7, 0])
    np.testing.assert_allclose(stack.geometry.column_steps_mm[0], [-0.5, 0, 0])
    assert stack.warnings == ()


def test_thickness_is_never_used_as_spacing(tmp_path):
    save_series(tmp_path, (0, 2, 4), SliceThickness=10.0, SpacingBetweenSlices=7.0)
    np.testing.assert_allclose(stacked(tmp_path).geometry.gaps_mm, [2, 2])


def test_tilt_and_uneven_gaps_are_exact(tmp_path):
    heights = [4.22 * n for n in range(5)] + [16.88 + 1.14 + 7.38 * n for n in range(5)]
    save_series(tmp_path, heights, orientation=tilted(18.5))
    stack = stacked(tmp_path)
    np.testing.assert_allclose(stack.geometry.gaps_mm, np.diff(heights) * np.cos(np.radians(18.5)), atol=1e-6)
    assert stack.geometry.tilt_degrees == pytest.approx(18.5)
    assert stack.warnings == ()


ORIENTATIONS = {
    "head first supine": (1, 0, 0, 0, 1, 0),
    "prone": (-1, 0, 0, 0, -1, 0),
    "seen from above": (-1, 0, 0, 0, 1, 0),
    "upside down": (1, 0, 0, 0, -1, 0),
    "transposed": (0, 1, 0, 1, 0, 0),
    "quarter turn": (0, 1, 0, -1, 0, 0),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS)
def test_every_image_corner_keeps_its_place(tmp_path, orientation):
    save_series(tmp_path, (0, 5), orientation=orientation)
    stack = stacked(tmp_path)
    source = np.zeros((32, 24, 2), bool)  # column, row, slice
    source[31, 0, 1] = True
    z, row, column = (index[:1] for index in np.nonzero(stack.turn.to_canonical(source)))
    in_lps = np.array([-8.0, -8.4, 5.0]) + 31 * 0.5 * np.array(orientation[:3])
    np.testing.assert_allclose(stack.geometry.points_mm(z, row, column)[0], in_lps * [-1, -1, 1], atol=1e-9)
    np.testing.assert_allclose(stack.geometry.normal, [0, 0, 1], atol=1e-12)
    assert stack.geometry.row_steps_mm[0, 1] < 0
    assert stack.geometry.column_steps_mm[0, 0] < 0


@pytest.mark.parametrize(
    ("heights", "place"),
    [
        ((0, 5, 10, 20, 25, 30), "between 10.0 and 20.0 mm (gap 10.00 mm, its neighbours 5.00 mm)"),
        ((0, 5, 10, 20), "between 10.0 and 20.0 mm"),
        ((0, 10, 15, 20), "between 0.0 and 10.0 mm"),
        ((0, 5, 15, 20, 35, 40), "between 5.0 and 15.0 mm, 20.0 and 35.0 mm"),
    ],
)
def test_missing_slices(tmp_path, heights, place):
    save_series(tmp_path, heights)
    (warning,) = stacked(tmp_path).warnings
    assert warning.startswith("ct: slices seem to be missing ")
    assert place in warning
    with pytest.raises(GeometryError, match="ct: slices seem to be missing between"):
        stacked(tmp_path, strict=True)


@pytest.mark.parametrize(
    "heights", [(0, 5, 10), (0, 10), (0, 4, 10, 14), (0, 4, 8, 9, 16, 23), (0, 5, 10, 17, 24)], ids=str
)
def test_nothing_missing(tmp_path, heights):
    save_series(tmp_path, heights)
    assert stacked(tmp_path, strict=True).warnings == ()


def test_duplicate_positions(tmp_path):
    save_slices(tmp_path, ct_slice(z=0), ct_slice(z=5), ct_slice(z=5, SOPInstanceUID="1.2.3"), ct_slice(z=10))
    with pytest.raises(GeometryError, match=r"/1 and .*/2 lie at the same position \(5.00 mm .*; 1 such pairs\)"):
        stacked(tmp_path)


def test_copies_of_a_file_count_once(tmp_path):
    save_slices(tmp_path, ct_slice(z=0), ct_slice(z=5), ct_slice(z=5))
    stack = stacked(tmp_path)
    assert len(stack.headers) == 2
    assert stack.warnings == ("left out 1 file(s) that are copies of another",)
    assert stack.copies == (str(tmp_path / "2"),)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("sizes", {"hu": pattern(24, 30)}),
        ("pixel spacings", {"PixelSpacing": [0.7, 0.6]}),
        ("orientations", {"orientation": tilted(10)}),
    ],
)
def test_mixed_series(tmp_path, what, changes):
    save_slices(tmp_path, ct_slice(z=0), ct_slice(z=5), ct_slice(z=10, **changes))
    with pytest.raises(GeometryError, match=rf"^ct: the series mixes {what}: .*/2; give the files of one stack only$"):
        stacked(tmp_path)


def test_localizer_in_the_series_is_left_out(tmp_path):
    scout = ct_slice(orientation=(1, 0, 0, 0, 0, -1), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    save_slices(tmp_path, ct_slice(z=0), ct_slice(z=5), scout)
    stack = stacked(tmp_path)
    assert len(stack.headers) == 2
    assert stack.warnings == (f"left out 1 localizer image(s) in the series: {tmp_path / '2'}",)


def test_colour_image_in_the_series(tmp_path):
    save_slices(tmp_path, ct_slice(z=0), ct_slice(z=5, SamplesPerPixel=3))
    with pytest.raises(ModalityError, match="/1: a colour image within a CT series"):
        stacked(tmp_path)


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_slice_without_place(tmp_path, keyword):
    save_slices(tmp_path, ct_slice(z=0), ct_slice(z=5, **{keyword: None}))
    with pytest.raises(GeometryError, match=f"/1: no valid {keyword}; a slice without it has no place"):
        stacked(tmp_path)


def test_lone_slice(tmp_path):
    save_slices(tmp_path, ct_slice(z=0))
    stack = stacked(tmp_path)
    assert stack.geometry.slice_extents_mm.tolist() == [5.0]
    assert stack.warnings == ("only one slice; its volume rests on SliceThickness 5 mm",)


def test_lone_slice_without_thickness(tmp_path):
    save_slices(tmp_path, ct_slice(z=0, SliceThickness=None))
    stack = stacked(tmp_path)
    assert stack.geometry.lone_slice_mm == 5.0
    assert stack.warnings == ("only one slice, without SliceThickness; its volume rests on 5 mm, which is a guess",)
