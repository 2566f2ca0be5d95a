"""What every reader of `READERS` keeps to, shown on a miniature of its collection with its warts."""

import pickle

import numpy as np
import pytest
from cohorts.nifti_miniatures import write_bhsd, write_folder, write_instance22, write_mbh_seg, write_nnunet
from cohorts.readers.cq500_miniature import write_cq500, write_seg_cq500
from cohorts.readers.physionet_miniature import write_jpeg_layout, write_nifti_layout
from cohorts.rsna_miniature import write_rsna
from tiny import SETTINGS

from ichnos.cohorts.case import Cohort
from ichnos.cohorts.readers import READERS, open_cohort
from ichnos.cohorts.readers.labelling import MASK_DISAGREES, labels_of_masks
from ichnos.cohorts.readers.layout import check_case_name
from ichnos.cohorts.slice_store import LABELS
from ichnos.errors import IchnosError, ScanError
from ichnos.phantoms import make_phantom, write_phantom


def write_phantoms(root):
    for seed in (1, 2):
        write_phantom(make_phantom(seed, SETTINGS), root)


MINIATURES = {
    "bhsd": write_bhsd,
    "cq500": write_cq500,
    "folder": write_folder,
    "instance22": write_instance22,
    "mbh-seg": write_mbh_seg,
    "nnunet": write_nnunet,
    "phantoms": write_phantoms,
    "physionet-ct-ich": write_nifti_layout,
    "physionet-ct-ich-jpeg": write_jpeg_layout,
    "rsna-2019": write_rsna,
    "seg-cq500": write_seg_cq500,
}
"""Each writes its collection into a folder."""


@pytest.fixture(scope="module", params=sorted(READERS))
def cohort(request, tmp_path_factory) -> Cohort:
    root = tmp_path_factory.mktemp(request.param)
    MINIATURES[request.param](root)
    return open_cohort(request.param, root)


def test_cases_are_sorted_and_have_names_of_their_own(cohort):
    names = [case.case for case in cohort.cases]
    assert names == sorted(set(names))
    assert len(names) >= 2
    assert all(check_case_name(name, "") == name for name in names)


def test_patients_and_licence_are_told(cohort):
    assert all(case.patient for case in cohort.cases)
    assert cohort.licence
    assert "\n" not in cohort.licence


def test_labels_have_their_form(cohort):
    for case in cohort.cases:
        assert set(case.scan_labels) <= set(LABELS)
        assert all(len(labels) == 6 and set(labels) <= {-1, 0, 1} for labels in case.slice_labels.values())


def test_files_are_there_and_junk_is_not_among_them(cohort):
    for case in cohort.cases:
        named = [*case.files, *case.masks.values(), *([case.brain_mask] if case.brain_mask else [])]
        assert named
        assert all(path.exists() for path in named)
        assert not any(part.startswith((".", "__MACOSX")) for path in named for part in path.parts[1:])


def test_what_is_told_is_one_line(cohort):
    assert all("\n" not in text for text in cohort.notes)
    assert all(one.name and one.reason and "\n" not in one.reason for one in cohort.skipped)
    assert not any(".DS_Store" in one.name or "/._" in one.name for one in cohort.skipped)


def test_loading_agrees_with_itself(cohort):
    for case in cohort.cases:
        loaded = cohort.load(case)
        shape = loaded.scan.voxels_hu.shape
        assert loaded.case == case
        assert loaded.slice_labels.shape == (shape[0], 6)
        assert set(np.unique(loaded.slice_labels)) <= {-1, 0, 1}
        masks = loaded.bleed_masks
        assert (masks is None) == (not case.masks)
        for name, voxels in (masks or {}).items():
            assert name in LABELS
            assert voxels.shape == shape
            assert voxels.any()
        assert loaded.brain_mask is None or loaded.brain_mask.shape == shape
        drawn = labels_of_masks(masks, shape[0], ())
        both = (drawn != -1) & (loaded.slice_labels != -1)
        disagree = int((both & (drawn != loaded.slice_labels)).any(axis=1).sum())
        assert disagree <= loaded.repairs.get(MASK_DISAGREES, 0)


def test_a_bleed_has_a_subtype_or_an_unknown_one(cohort):
    for case in cohort.cases:
        labels = cohort.load(case).slice_labels
        assert not ((labels[:, 0] == 0)[:, None] & (labels[:, 1:] == 1)).any()


def test_loading_twice_gives_the_same(cohort):
    for case in cohort.cases:
        first, second = cohort.load(case), cohort.load(case)
        np.testing.assert_array_equal(first.scan.voxels_hu, second.scan.voxels_hu)
        np.testing.assert_array_equal(first.slice_labels, second.slice_labels)
        assert first.repairs == second.repairs


def test_opening_twice_gives_the_same(cohort):
    again = open_cohort(cohort.name, cohort.root)
    assert again.cases == cohort.cases
    assert again.skipped == cohort.skipped
    assert again.notes == cohort.notes


def test_other_processes_can_be_given_cases_and_loader(cohort):
    assert pickle.dumps((cohort.cases, cohort.load))


def test_a_scan_that_vanished_is_a_scan_error(cohort, tmp_path):
    from dataclasses import replace

    with pytest.raises(ScanError) as error:
        cohort.load(replace(cohort.cases[0], files=(tmp_path / "gone.nii",)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", sorted(READERS))
def test_an_empty_folder_and_no_folder_are_one_line(name, tmp_path):
    for root in (tmp_path, tmp_path / "gone"):
        with pytest.raises(IchnosError) as error:
            open_cohort(name, root)
        assert "\n" not in str(error.value)
        assert str(root) in str(error.value)


def test_every_reader_has_a_miniature():
    assert MINIATURES.keys() == READERS.keys()
