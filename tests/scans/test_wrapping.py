import numpy as np
import pytest
from scans.dicom_files import ct_slice, pattern, save

from ichnos.scans.read import read_scan

HU = pattern(24, 32, seed=5)
HU[0, :4] = -1024, -1010, -1001, -1
HU[10, 10], HU[11, 11] = 3071, 1999


def slice_with(stored, z=0.0, *, bits=12, signed=0, intercept=0, **changes):
    return ct_slice(
        HU,
        z=z,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=signed,
        RescaleIntercept=intercept,
        PixelData=np.asarray(stored).astype("<u2").tobytes(),
        **changes,
    )


def read(tmp_path, *slices):
    for number, dataset in enumerate(slices):
        save(dataset, tmp_path / f"{number}.dcm")
    return read_scan(tmp_path)


@pytest.mark.parametrize("intercept", [0, -1, -99, 24])
def test_wrapped_values_are_brought_back_and_counted(tmp_path, intercept):
    scan = read(tmp_path, *(slice_with(HU % 4096, z, intercept=intercept) for z in (0, 5, 10)))
    np.testing.assert_array_equal(scan.voxels_hu, np.stack([HU] * 3))
    assert scan.repairs == {"slices whose 12-bit values had wrapped around": 3}
    assert any("repaired 3 slices" in warning for warning in scan.warnings)


def test_the_usual_recipe_gives_the_same_where_it_holds(tmp_path):
    held = np.where(HU < -1000, -1000, HU)
    usual = (held % 4096) + 1000
    usual[usual >= 4096] -= 4096
    scan = read(tmp_path, *(slice_with(held % 4096, z) for z in (0, 5)))
    np.testing.assert_array_equal(scan.voxels_hu[0], usual - 1000)


@pytest.mark.parametrize(
    ("stored", "changes"),
    [
        (HU + 1024, {"intercept": -1024}),
        (HU % 65536, {"bits": 16, "signed": 1}),
        (HU % 4096, {"signed": 1}),
        (HU + 1024, {"bits": 16, "intercept": -1024}),
    ],
    ids=["12 bits with intercept", "16 bits signed", "12 bits signed", "16 bits unsigned"],
)
def test_ordinary_scans_are_untouched(tmp_path, stored, changes):
    scan = read(tmp_path, *(slice_with(stored, z, **changes) for z in (0, 5)))
    expected = HU if changes.get("signed") != 1 or changes.get("bits") == 16 else (HU + 2048) % 4096 - 2048
    np.testing.assert_array_equal(scan.voxels_hu[0], np.maximum(expected, -1024))
    assert scan.repairs == {}


def test_an_intercept_of_minus_hundred_is_a_choice_of_the_scanner(tmp_path):
    scan = read(tmp_path, *(slice_with(HU % 4096, z, intercept=-100) for z in (0, 5)))
    assert scan.repairs == {}


def test_a_little_metal_is_no_air(tmp_path):
    stored = np.full(HU.shape, 40)
    stored[3, 3:6] = 3500
    scan = read(tmp_path, *(slice_with(stored, z) for z in (0, 5)))
    np.testing.assert_array_equal(scan.voxels_hu[0], stored)
    assert scan.repairs == {}


def test_only_the_wrapped_slices_of_a_series_are_mended(tmp_path):
    scan = read(tmp_path, slice_with(HU % 4096, 0), slice_with(HU + 1024, 5, intercept=-1024))
    np.testing.assert_array_equal(scan.voxels_hu, np.stack([HU] * 2))
    assert scan.repairs == {"slices whose 12-bit values had wrapped around": 1}
