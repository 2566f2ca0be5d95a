import csv

import numpy as np
import pytest

from ichnos.errors import UsageError
from ichnos.phantoms import SUBTYPES, PhantomSettings, make_phantom, write_phantom
from ichnos.scans import read_mask, read_scan

SETTINGS = PhantomSettings(
    slices=10, rows=48, columns=48, gap_mm=(3.0, 15.0), bleed_probability=1.0, uneven_probability=1.0
)


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(7, SETTINGS)


def test_dicom_comes_back_as_it_went(phantom, tmp_path):
    write_phantom(phantom, tmp_path)
    scan = read_scan(tmp_path / "scans" / "phantom-0007")
    assert np.array_equal(scan.voxels_hu, phantom.scan.voxels_hu)
    assert scan.geometry.origins_mm == pytest.approx(phantom.scan.geometry.origins_mm, abs=1e-6)
    assert scan.geometry.volume_ml(phantom.bleed_mask) == pytest.approx(
        phantom.scan.geometry.volume_ml(phantom.bleed_mask), rel=1e-6
    )


def test_nifti_comes_back_and_tells_of_uneven_slices(phantom, tmp_path):
    notes = write_phantom(phantom, tmp_path, "nifti")
    assert any("phantom-0007.json" in note for note in notes)
    scan = read_scan(tmp_path / "scans" / "phantom-0007.nii.gz")
    assert np.array_equal(scan.voxels_hu, phantom.scan.voxels_hu)


def test_masks_and_labels_agree(phantom, tmp_path):
    write_phantom(phantom, tmp_path)
    truth = tmp_path / "truth" / "phantom-0007"
    assert np.array_equal(read_mask(truth / "bleed.nii.gz").voxels, phantom.bleed_mask)
    assert np.array_equal(read_mask(truth / "brain.nii.gz").voxels, phantom.brain_mask)
    for name, mask in phantom.bleed_masks.items():
        assert np.array_equal(read_mask(truth / f"bleed-{name}.nii.gz").voxels, mask)
    with (truth / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["z", "any", *SUBTYPES]
    assert [row["any"] == "1" for row in rows] == phantom.slice_labels.tolist()


def test_a_subtype_is_labelled_where_it_covers_enough(phantom, tmp_path):
    pixel_mm2 = phantom.scan.geometry.pixel_areas_mm2
    areas_mm2 = {name: mask.sum(axis=(1, 2)) * pixel_mm2 for name, mask in phantom.bleed_masks.items()}
    least = float(np.median(np.concatenate([area[area > 0] for area in areas_mm2.values()])))
    write_phantom(phantom, tmp_path, "nifti", labelled_mm2=least)
    truth = tmp_path / "truth" / "phantom-0007"
    with (truth / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in SUBTYPES:
        told = [row[name] == "1" for row in rows]
        assert told == (areas_mm2.get(name, np.zeros(len(rows))) >= least).tolist()
    assert [row["any"] for row in rows] == [str(int(any(row[name] == "1" for name in SUBTYPES))) for row in rows]
    assert any(row["any"] == "1" for row in rows)
    assert np.array_equal(read_mask(truth / "bleed.nii.gz").voxels, phantom.bleed_mask)


def test_writing_again_leaves_nothing_of_the_earlier_one(phantom, tmp_path):
    write_phantom(phantom, tmp_path, "nifti")
    well = make_phantom(7, PhantomSettings(slices=8, rows=48, columns=48, gap_mm=(3.0, 15.0), bleed_probability=0.0))
    write_phantom(well, tmp_path, "dicom")
    write_phantom(well, tmp_path, "dicom")
    assert [path.name for path in (tmp_path / "scans").iterdir()] == ["phantom-0007"]
    assert not list((tmp_path / "truth").rglob("bleed-*.nii.gz"))
    assert len(list((tmp_path / "scans" / "phantom-0007").glob("*.dcm"))) == 8


def test_other_forms_are_refused(phantom, tmp_path):
    with pytest.raises(UsageError, match="as_ must be dicom or nifti; got 'png'"):
        write_phantom(phantom, tmp_path, "png")  # type: ignore[arg-type]
