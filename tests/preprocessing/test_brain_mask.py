from pathlib import Path

import numpy as np
import pytest
from preprocessing.heads import BRAIN_RADIUS_MM, ball_head, canonical_geometry

from ichnos.metrics.overlap import count_overlap
from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.preprocessing.brain_mask import count_enclosing_sides, find_brain_mask
from ichnos.scans import read_scan
from ichnos.scans.scan import Scan

BALL_ML = 4 / 3 * np.pi * BRAIN_RADIUS_MM**3 / 1000


@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [((30, 128, 128), (5.0, 1.6, 1.6)), ((15, 256, 256), (10.0, 0.8, 0.8)), ((60, 100, 120), (2.5, 1.9, 1.5))],
)
def test_volume_of_a_ball_on_thick_and_thin_slices(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> None:
    found = find_brain_mask(ball_head(shape, spacing_mm))
    assert found.mask.volume_ml == pytest.approx(BALL_ML, rel=0.06)
    assert not found.is_doubtful


def test_scalp_and_table_stay_out() -> None:
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[:, 122:125, :] = 60.0
    found = find_brain_mask(Scan(voxels, scan.geometry)).mask.voxels
    assert not (found & (scan.voxels_hu != 32.0)).any()


def test_another_cavity_in_bone_is_not_brain() -> None:
    """A sinus full of fluid, or a vertebral canal: enclosed on all sides, but not the main body."""
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[10:20, 2:22, 2:22] = 1200.0
    voxels[10:20, 5:19, 5:19] = 32.0
    found = find_brain_mask(Scan(voxels, scan.geometry)).mask.voxels
    assert not found[10:20, 2:22, 2:22].any()


def test_a_craniectomy_on_one_side_does_not_empty_the_mask() -> None:
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    window = np.zeros(voxels.shape, dtype=bool)
    window[8:22, 44:84, :50] = True
    voxels[window & (voxels > 1000)] = 40.0
    found = find_brain_mask(Scan(voxels, scan.geometry))
    assert found.mask.volume_ml == pytest.approx(BALL_ML, rel=0.1)


def test_blood_and_csf_are_inside() -> None:
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[13:16, 60:70, 50:60] = 85.0
    voxels[13:16, 60:70, 70:80] = 4.0
    found = find_brain_mask(Scan(voxels, scan.geometry)).mask.voxels
    assert found[14, 60:70, 50:60].all()
    assert found[14, 60:70, 70:80].all()


@pytest.mark.parametrize("hu", [-1000.0, 30.0, 1500.0])
def test_what_is_no_head_is_doubted_not_refused(hu: float) -> None:
    geometry = canonical_geometry((5, 40, 40), (5.0, 5.0, 5.0))
    found = find_brain_mask(Scan(np.full((5, 40, 40), hu, dtype=np.float32), geometry))
    assert not found.mask.voxels.any()
    assert found.doubts == ("no intracranial cavity was found; is this a head CT?",)


def test_half_a_head_is_doubted() -> None:
    whole = ball_head()
    half = Scan(whole.voxels_hu[:9], canonical_geometry((9, 128, 128), (5.0, 1.6, 1.6)))
    assert any("outside 700 to 1900 mL" in doubt for doubt in find_brain_mask(half).doubts)


def test_a_lopsided_mask_is_doubted() -> None:
    scan = ball_head(spacing_mm=(6.0, 1.6, 1.6))
    voxels = scan.voxels_hu.copy()
    middle = voxels.shape[2] // 2
    voxels[:, : voxels.shape[1] // 2, :middle][voxels[:, : voxels.shape[1] // 2, :middle] == 32.0] = 1200.0
    assert any("lopsided" in doubt for doubt in find_brain_mask(Scan(voxels, scan.geometry)).doubts)


def test_sides_are_counted_by_hand() -> None:
    ring = np.zeros((1, 5, 5), dtype=bool)
    ring[0, 1:4, 1:4] = True
    ring[0, 2, 2] = False
    assert count_enclosing_sides(ring)[0, 2, 2] == 4
    ring[0, 1, 2] = False  # open to the front
    assert count_enclosing_sides(ring)[0, 2, 2] == 3
    assert count_enclosing_sides(ring)[0, 0, 0] == 0


def test_the_real_scan_is_plausible(real_data: Path) -> None:
    found = find_brain_mask(read_scan(real_data / "real-head-ct" / "ge-tilted"))
    assert found.mask.volume_ml == pytest.approx(1500, rel=0.1)
    assert not found.is_doubtful


@pytest.mark.parametrize("seed", [4, 9])
def test_a_phantoms_cavity_is_found_with_its_blood(seed: int) -> None:
    phantom = make_phantom(seed, PhantomSettings(slices=16, rows=160, columns=160, bleed_probability=1.0))
    found = find_brain_mask(phantom.scan)
    assert count_overlap(found.mask.voxels, phantom.brain_mask).dice > 0.96
    assert found.mask.voxels[phantom.bleed_mask].mean() > 0.8
    assert not found.is_doubtful
