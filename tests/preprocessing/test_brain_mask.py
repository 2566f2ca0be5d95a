from pathlib import Path

import numpy as np
import pytest
from preprocessing.heads import ball_head, canonical_geometry

from ichnos.preprocessing.brain_mask import find_brain_mask, judge_brain_mask
from ichnos.scans import read_scan
from ichnos.scans.scan import Scan


@pytest.mark.parametrize("hu", [-1000.0, 0.0, 30.0, 1500.0])
def test_what_is_no_head_is_doubted_not_refused(hu: float) -> None:
    geometry = canonical_geometry((5, 40, 40), (5.0, 5.0, 5.0))
    found = find_brain_mask(Scan(np.full((5, 40, 40), hu, dtype=np.float32), geometry))
    assert not found.mask.voxels.any()
    assert found.doubts == ("no intracranial cavity was found; is this a head CT?",)


@pytest.mark.parametrize("shift_hu", [1024.0, -1024.0])
def test_a_head_with_shifted_hu_is_doubted(shift_hu: float) -> None:
    scan = ball_head((10, 64, 64), (15.0, 3.2, 3.2))
    assert find_brain_mask(Scan(scan.voxels_hu + np.float32(shift_hu), scan.geometry)).is_doubtful


def test_half_a_head_is_doubted() -> None:
    whole = ball_head()
    half = Scan(whole.voxels_hu[:9], canonical_geometry((9, 128, 128), (5.0, 1.6, 1.6)))
    assert any("outside 700 to 1900 mL" in doubt for doubt in find_brain_mask(half).doubts)


def test_one_slice_has_a_mask_and_its_volume_is_no_reason_for_doubt() -> None:
    whole = ball_head((3, 64, 64), (5.0, 3.2, 3.2))
    one = Scan(whole.voxels_hu[1:2], canonical_geometry((1, 64, 64), (5.0, 3.2, 3.2)))
    found = find_brain_mask(one)
    assert found.mask.voxels[one.voxels_hu == 32.0].mean() > 0.9
    assert not found.is_doubtful
    assert judge_brain_mask(whole, whole.voxels_hu == 32.0).is_doubtful, "200 mL of three slices"


def test_a_lopsided_mask_is_doubted() -> None:
    scan = ball_head(spacing_mm=(6.0, 1.6, 1.6))
    lopsided = scan.voxels_hu == 32.0
    lopsided[:, :64, :64] = False
    assert any("lopsided" in doubt for doubt in judge_brain_mask(scan, lopsided).doubts)
    assert not judge_brain_mask(scan, scan.voxels_hu == 32.0).is_doubtful


def test_a_leak_is_doubted_in_words_that_name_its_size() -> None:
    scan = ball_head()
    leaking = (scan.voxels_hu == 32.0) | (scan.voxels_hu == 40.0)
    share = (scan.voxels_hu[leaking] == 40.0).mean()
    (doubt,) = (doubt for doubt in judge_brain_mask(scan, leaking).doubts if "leaks" in doubt)
    assert float(doubt.split("%")[0].split()[-1]) / 100 == pytest.approx(share, abs=0.03)


def test_the_real_scan_is_plausible_and_the_same_in_8_bits(real_data: Path) -> None:
    scan = read_scan(real_data / "real-head-ct" / "ge-tilted")
    found = find_brain_mask(scan)
    assert found.mask.volume_ml == pytest.approx(1560, rel=0.03)
    assert not found.is_doubtful
    exported = find_brain_mask(Scan(np.clip(scan.voxels_hu, 0.0, 255.0), scan.geometry))
    assert (exported.mask.voxels != found.mask.voxels).sum() < 0.005 * found.mask.voxels.sum()
