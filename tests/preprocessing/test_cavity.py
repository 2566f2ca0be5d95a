import numpy as np
import pytest
from preprocessing.heads import BRAIN_RADIUS_MM, ball_head
from scipy import ndimage

from ichnos.metrics.overlap import count_overlap
from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.preprocessing.cavity import count_enclosing_sides, find_cavity
from ichnos.scans.scan import AIR_HU, Scan

BALL_ML = 4 / 3 * np.pi * BRAIN_RADIUS_MM**3 / 1000
COARSE = ((20, 64, 64), (7.5, 3.2, 3.2))


def change(scan: Scan, voxels_hu: np.ndarray) -> Scan:
    return Scan(voxels_hu.astype(np.float32), scan.geometry)


def heights_mm(scan: Scan) -> np.ndarray:
    """Of slices above the centre of the ball."""
    return scan.geometry.positions_mm - scan.geometry.positions_mm.mean()


@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [((30, 128, 128), (5.0, 1.6, 1.6)), ((15, 256, 256), (10.0, 0.8, 0.8)), ((60, 100, 120), (2.5, 1.9, 1.5))],
)
def test_volume_of_a_ball_on_thick_and_thin_slices(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> None:
    scan = ball_head(shape, spacing_mm)
    assert scan.geometry.volume_ml(find_cavity(scan)) == pytest.approx(BALL_ML, rel=0.06)


def test_scalp_and_table_stay_out() -> None:
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[:, 122:125, :] = 60.0
    assert not (find_cavity(change(scan, voxels)) & (scan.voxels_hu != 32.0)).any()


def test_another_cavity_in_bone_is_not_brain() -> None:
    """A sinus full of fluid: enclosed on all sides, but not in line with the brain above it."""
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[10:20, 2:22, 2:22] = 1200.0
    voxels[10:20, 5:19, 5:19] = 32.0
    assert not find_cavity(change(scan, voxels))[10:20, 2:22, 2:22].any()


def test_what_touches_the_brain_from_below_but_lies_beside_it_stays_out() -> None:
    """As a muscle does where a slice misses the bone between: one body in 3-D, out of line with the brain."""
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[:10] = np.where(scan.voxels_hu[:10] > -500, 1200.0, scan.voxels_hu[:10])
    voxels[:10, 46:82, 0:82] = 1200.0
    voxels[:10, 50:78, 50:78] = 32.0
    voxels[:10, 50:78, 2:38] = 50.0
    found = find_cavity(change(scan, voxels))
    assert found[2:10, 52:76, 52:76].all()
    assert not found[:10, :, :44].any()


def test_the_spinal_canal_ends_the_cavity() -> None:
    scan = ball_head((40, 64, 64), (5.0, 3.2, 3.2))
    voxels = scan.voxels_hu.copy()
    row, column = (np.arange(64) - 31.5) * 3.2, (np.arange(64) - 31.5) * 3.2
    radius = np.hypot(row[:, None], column[None, :])
    below = heights_mm(scan) < -BRAIN_RADIUS_MM + 12
    voxels[np.ix_(below)] = np.where(radius < 14.0, 35.0, np.where(radius < 24.0, 1200.0, voxels[np.ix_(below)]))
    found = find_cavity(change(scan, voxels))
    assert not found[heights_mm(scan) < -BRAIN_RADIUS_MM - 10].any()
    assert found[np.searchsorted(heights_mm(scan), -BRAIN_RADIUS_MM + 12)].any()


def test_a_craniectomy_on_one_side_does_not_empty_the_mask() -> None:
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    window = np.zeros(voxels.shape, dtype=bool)
    window[8:22, 44:84, :50] = True
    voxels[window & (voxels > 1000)] = 40.0
    assert scan.geometry.volume_ml(find_cavity(change(scan, voxels))) == pytest.approx(BALL_ML, rel=0.06)


def test_a_quarter_of_a_skull_is_bridged_by_a_straight_line() -> None:
    """Beside a defect so wide, brain has bone on two sides alone; what bulges beyond the line is lost."""
    scan = ball_head(*COARSE)
    voxels = scan.voxels_hu.copy()
    window = np.zeros(voxels.shape, dtype=bool)
    window[4:16, :32, :32] = True
    voxels[window & (voxels > 1000)] = 40.0
    found = find_cavity(change(scan, voxels))
    assert found[8:12, 24:32, 24:32].all()
    assert found[scan.voxels_hu == 32.0].mean() > 0.88
    assert (found & (scan.voxels_hu != 32.0)).sum() < 0.03 * (scan.voxels_hu == 32.0).sum()


def test_slices_spoilt_by_metal_are_bridged() -> None:
    scan = ball_head(*COARSE)
    voxels = scan.voxels_hu.copy()
    turn = np.arctan2(*np.ogrid[-31.5:32, -31.5:32])
    voxels[9:11] += np.where(voxels[9:11] > -500, 400 * np.sin(9 * turn), 0.0)
    spoilt, whole = find_cavity(change(scan, voxels)), find_cavity(scan)
    inside = scan.voxels_hu == 32.0
    assert (spoilt & inside).sum() > 0.9 * (whole & inside).sum()
    assert (spoilt[11:] == whole[11:]).all()


def test_brain_under_a_thin_skull_is_not_taken_for_scalp() -> None:
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    depth_mm = np.stack([ndimage.distance_transform_edt(each, sampling=(1.6, 1.6)) for each in voxels != AIR_HU])
    thin = change(scan, np.where((voxels != 32.0) & (depth_mm < 12.6), AIR_HU, voxels))  # 1 to 2 mm of bone
    inside = scan.voxels_hu == 32.0
    assert (find_cavity(thin) & inside).sum() > 0.998 * (find_cavity(scan) & inside).sum()


def test_blood_and_csf_are_inside() -> None:
    scan = ball_head()
    voxels = scan.voxels_hu.copy()
    voxels[13:16, 60:70, 50:60] = 85.0
    voxels[13:16, 60:70, 70:80] = 4.0
    found = find_cavity(change(scan, voxels))
    assert found[14, 60:70, 50:60].all()
    assert found[14, 60:70, 70:80].all()


@pytest.mark.parametrize("turn", [np.s_[::-1], np.s_[:, ::-1], np.s_[:, :, ::-1]])
def test_a_flipped_head_has_a_flipped_cavity(turn: tuple[slice, ...]) -> None:
    scan = make_phantom(
        4, PhantomSettings(slices=8, rows=64, columns=64, gap_mm=(10.0, 20.0), tilt_degrees=(0, 0))
    ).scan
    turned = find_cavity(change(scan, np.ascontiguousarray(scan.voxels_hu[turn])))
    assert count_overlap(turned[turn], find_cavity(scan)).dice > 0.99


def test_sides_are_counted_by_hand() -> None:
    ring = np.zeros((1, 5, 5), dtype=bool)
    ring[0, 1:4, 1:4] = True
    ring[0, 2, 2] = False
    assert count_enclosing_sides(ring)[0, 2, 2] == 4
    ring[0, 1, 2] = False  # open to the front
    assert count_enclosing_sides(ring)[0, 2, 2] == 3
    assert count_enclosing_sides(ring)[0, 0, 0] == 0


@pytest.mark.parametrize("seed", [4, 9])
def test_a_phantoms_cavity_is_found_with_its_blood(seed: int) -> None:
    phantom = make_phantom(seed, PhantomSettings(slices=12, rows=96, columns=96, bleed_probability=1.0))
    found = find_cavity(phantom.scan)
    assert count_overlap(found, phantom.brain_mask).dice > 0.96
    assert found[phantom.bleed_mask].mean() > 0.8


@pytest.mark.parametrize("seed", [4, 9])
def test_an_8_bit_export_has_the_same_cavity(seed: int) -> None:
    scan = make_phantom(seed, PhantomSettings(slices=12, rows=96, columns=96)).scan
    found, exported = find_cavity(scan), find_cavity(change(scan, np.clip(scan.voxels_hu, 0.0, 255.0)))
    assert count_overlap(exported, found).dice > 0.99
