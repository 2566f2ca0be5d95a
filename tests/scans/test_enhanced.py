import numpy as np
from scans.dicom_files import ct_slice, enhanced, group, pattern

from ichnos.scans.enhanced import split_frames


def test_single_frame_file_is_not_split():
    assert split_frames(ct_slice()) is None


def test_frames_take_shared_and_own_groups():
    dataset = enhanced([pattern(), pattern()], [(0, 0, 1), (0, 0, 2)])
    first, second = split_frames(dataset)
    assert [first.ImagePositionPatient[2], second.ImagePositionPatient[2]] == [1, 2]
    assert first.PixelSpacing == [0.7, 0.5]
    assert second.RescaleIntercept == -1024
    assert second.Rows == 24


def test_own_groups_win_over_shared_ones():
    dataset = enhanced([pattern(), pattern()], [(0, 0, 1), (0, 0, 2)])
    own = dataset.PerFrameFunctionalGroupsSequence[1]
    own.PixelValueTransformationSequence = group(RescaleSlope=2, RescaleIntercept=-7, RescaleType="HU")
    own.CTImageFrameTypeSequence = group(FrameType=["ORIGINAL", "PRIMARY", "LOCALIZER", "NONE"])
    first, second = split_frames(dataset)
    assert (first.RescaleSlope, second.RescaleSlope, second.RescaleIntercept) == (1, 2, -7)
    assert (first.ImageType[2], second.ImageType[2]) == ("AXIAL", "LOCALIZER")


def test_file_without_shared_groups():
    dataset = enhanced([pattern()], [(0, 0, 1)])
    del dataset.SharedFunctionalGroupsSequence
    (frame,) = split_frames(dataset)
    np.testing.assert_allclose(frame.ImagePositionPatient, [0, 0, 1])
    assert "PixelSpacing" not in frame
