import shutil

import numpy as np
import pytest
from cohorts.readers.phantom_miniature import SEEDS, made, write_phantoms

from ichnos.cohorts.readers import open_cohort
from ichnos.cohorts.readers.phantoms import open_phantoms
from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import CohortError, GeometryError, ScanError
from ichnos.phantoms import phantom_name


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    write_phantoms(folder)
    return folder


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, tmp_path / "phantoms")


def test_what_was_made_is_what_is_read(root):
    """Also where slices are uneven or tilted, from DICOM and from NIfTI."""
    cohort = open_cohort("phantoms", root)
    assert [case.case for case in cohort.cases] == list(made())
    assert any(phantom.bleed_masks for phantom in made().values())
    for case in cohort.cases:
        loaded, phantom = cohort.load(case), made()[case.case]
        np.testing.assert_allclose(loaded.scan.voxels_hu, np.maximum(phantom.scan.voxels_hu, -1024), atol=0.51)
        np.testing.assert_array_equal(loaded.brain_mask, phantom.brain_mask)
        assert loaded.bleed_masks.keys() == phantom.bleed_masks.keys()
        for subtype, voxels in phantom.bleed_masks.items():
            np.testing.assert_array_equal(loaded.bleed_masks[subtype], voxels)
            centre_mm = phantom.scan.geometry.centroid_mm(voxels)
            np.testing.assert_allclose(loaded.scan.geometry.centroid_mm(voxels), centre_mm, atol=0.05)
        columns = [phantom.slice_labels, *(phantom.subtype_labels[name] for name in LABELS[1:])]
        np.testing.assert_array_equal(loaded.slice_labels, np.stack(columns, axis=1))
        assert case.scan_labels == {name: bool(column.any()) for name, column in zip(LABELS, columns, strict=True)}
        assert not loaded.repairs
    assert not cohort.notes
    assert not cohort.skipped


def test_each_phantom_is_a_patient_of_its_own(root):
    cohort = open_phantoms(root)
    assert len({case.patient for case in cohort.cases}) == len(SEEDS)
    assert {dict(case.identifiers)["phantom"] for case in cohort.cases} == {case.case for case in cohort.cases}


def test_blood_that_no_subtype_claims_comes_under_any(root):
    name, phantom = next((name, one) for name, one in made().items() if one.bleed_masks)
    subtype = next(iter(phantom.bleed_masks))
    (root / "truth" / name / f"bleed-{subtype}.nii.gz").unlink()
    cohort = open_phantoms(root)
    loaded = cohort.load(next(case for case in cohort.cases if case.case == name))
    others = [voxels for other, voxels in phantom.bleed_masks.items() if other != subtype]
    rest = phantom.bleed_masks[subtype] & ~np.logical_or.reduce([np.zeros_like(phantom.brain_mask), *others])
    np.testing.assert_array_equal(loaded.bleed_masks["any"], rest)
    assert subtype not in loaded.bleed_masks


def test_scans_and_truth_that_lack_each_other_are_told(root):
    shutil.rmtree(root / "truth" / phantom_name(11))
    shutil.rmtree(root / "scans" / phantom_name(12))
    (root / "scans/notes.txt").touch()
    cohort = open_phantoms(root)
    assert cohort.notes == ("scans without truth: phantom-0011",)
    assert [(one.name, one.reason) for one in cohort.skipped] == [
        ("scans/notes.txt", "neither NIfTI nor a folder"),
        ("truth/phantom-0012", "truth without a scan"),
    ]
    loaded = cohort.load(cohort.cases[0])
    assert loaded.bleed_masks is None
    assert loaded.brain_mask is None
    assert (loaded.slice_labels == -1).all()


def test_labels_and_masks_of_another_phantom_are_refused(root):
    table = root / "truth" / phantom_name(11) / "labels.csv"
    table.write_text(table.read_text() + "6,0,0,0,0,0,0\n")
    cohort = open_phantoms(root)
    with pytest.raises(ScanError, match=r"has 6 slices, but labels\.csv has slice 6"):
        cohort.load(cohort.cases[0])
    shutil.copy(root / "truth" / phantom_name(13) / "brain.nii.gz", root / "truth" / phantom_name(12) / "brain.nii.gz")
    with pytest.raises(GeometryError, match=r"brain\.nii\.gz: lies up to"):
        cohort.load(cohort.cases[1])


def test_a_slice_that_is_labelled_twice_is_refused(root):
    table = root / "truth" / phantom_name(11) / "labels.csv"
    table.write_text(table.read_text() + "5,0,0,0,0,0,0\n")
    with pytest.raises(CohortError, match="column z: slice 5 stands there twice"):
        open_phantoms(root)


def test_two_scans_of_one_name_and_no_phantoms_are_refused(root, tmp_path):
    (root / "scans" / phantom_name(11)).mkdir()
    with pytest.raises(CohortError, match="remove the older one"):
        open_phantoms(root)
    with pytest.raises(CohortError, match="no scans/ and truth/ there"):
        open_phantoms(root / "scans")
    for path in (root / "scans").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(CohortError, match="holds no scan"):
        open_phantoms(root)


def test_a_subtype_that_is_labelled_but_not_drawn_is_counted(root):
    name, phantom = next((name, one) for name, one in made().items() if one.bleed_masks)
    z = int(np.nonzero(phantom.slice_labels)[0][0])
    table = root / "truth" / name / "labels.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()]
    absent = next(subtype for subtype in LABELS[1:] if not phantom.subtype_labels[subtype][z])
    rows[z + 1][rows[0].index(absent)] = "1"
    table.write_text("\n".join(",".join(row) for row in rows))
    cohort = open_phantoms(root)
    loaded = cohort.load(next(case for case in cohort.cases if case.case == name))
    assert loaded.repairs == {"slices whose label and mask disagree": 1}
