import numpy as np
import pytest
import torch
from preprocessing.heads import ball_head, canonical_geometry
from scipy import ndimage
from segmentation.stubs import RECIPE, SETTINGS, bleeding_head, make_swin

from ichnos.maps.hgi_sam import hgi_sam
from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.preprocessing.grid import ModelGrid
from ichnos.scans.scan import Scan
from ichnos.segmentation.evidence import find_faint_pieces, gather_evidence, is_dense


def test_maps_and_probabilities_are_those_of_each_slice_alone() -> None:
    scan, model = bleeding_head(), make_swin(bias=8.0)
    evidence = gather_evidence(scan, model, RECIPE, SETTINGS)
    grid = ModelGrid.place(scan, RECIPE.image_size, RECIPE.field_of_view_mm)
    brain = find_brain_mask(scan).mask.voxels
    for z in (0, 15):
        pixels = torch.from_numpy(RECIPE.make_channels(grid.to_model(scan.voxels_hu[z : z + 1])))
        maps, logits = hgi_sam(model, pixels, SETTINGS.stages)
        assert evidence.slice_probabilities[z] == pytest.approx(float(logits.softmax(1)[0, 1]), abs=1e-5)
        expected = grid.to_scan(maps.numpy())[0] * brain[z]
        if expected.max() > 0:
            expected = expected / expected.max()
        np.testing.assert_allclose(evidence.map[z], expected, atol=1e-4)


def test_maps_stay_inside_the_brain_and_peak_at_one() -> None:
    evidence = gather_evidence(bleeding_head(), make_swin(bias=8.0), RECIPE, SETTINGS)
    brain = evidence.brain_mask.mask.voxels
    assert not evidence.map[~brain].any()
    has_brain = brain.any(axis=(1, 2))
    np.testing.assert_allclose(evidence.map.max(axis=(1, 2))[has_brain], 1.0)


def test_slices_below_the_gate_get_no_map() -> None:
    evidence = gather_evidence(ball_head(), make_swin(bias=-8.0), RECIPE, SETTINGS)
    assert (evidence.slice_probabilities < 0.5).all()
    assert not evidence.map.any()


def test_the_batch_size_changes_nothing() -> None:
    scan, model = bleeding_head(), make_swin(bias=8.0)
    small = gather_evidence(scan, model, RECIPE, SETTINGS, batch_size=1)
    large = gather_evidence(scan, model, RECIPE, SETTINGS, batch_size=7)
    np.testing.assert_allclose(small.map, large.map, atol=1e-4)


def test_the_hu_range_allows_dense_voxels_only() -> None:
    scan = bleeding_head()
    settings = SETTINGS.model_copy(update={"bleed_hu": (45.0, 95.0)})
    allowed = gather_evidence(scan, make_swin(), RECIPE, settings).allowed
    inside = scan.voxels_hu == 70.0
    core = ndimage.binary_erosion(inside, np.ones((1, 3, 3), dtype=bool))
    assert allowed[core].all()
    assert not allowed[~ndimage.binary_dilation(inside, np.ones((1, 5, 5), dtype=bool))].any()


def test_contrast_is_asked_slice_by_slice() -> None:
    """A slice that is brighter all over, as beam hardening makes it, allows nothing more."""
    scan = bleeding_head()
    voxels = scan.voxels_hu.copy()
    voxels[10][voxels[10] == 32.0] = 56.0
    settings = SETTINGS.model_copy(update={"bleed_contrast_hu": 18.0})
    allowed = gather_evidence(Scan(voxels, scan.geometry), make_swin(), RECIPE, settings).allowed
    core = ndimage.binary_erosion(scan.voxels_hu == 70.0, np.ones((1, 3, 3), dtype=bool))
    assert allowed[core].all()
    assert not allowed[10].any()
    assert not allowed[15, 90].any()


def test_beside_bone_twice_the_contrast_is_asked() -> None:
    """The brain's edge lies at a radius of 65 mm; one layer of 50 HU and one of 75 HU under it, one of 50 HU deep."""
    scan = ball_head(shape=(3, 200, 200), spacing_mm=(5.0, 1.0, 1.0))
    row, column = np.mgrid[:200, :200] - 99.5
    radius_mm = np.hypot(row, column)
    voxels = scan.voxels_hu.copy()
    for near, far, side, hu in ((57, 65, row < -40, 54.0), (57, 65, row > 40, 75.0), (20, 40, row < -10, 54.0)):
        voxels[1][(radius_mm > near) & (radius_mm < far) & side & (voxels[1] == 32.0)] = hu
    settings = SETTINGS.model_copy(update={"bleed_contrast_hu": 18.0})
    allowed = gather_evidence(Scan(voxels, scan.geometry), make_swin(), RECIPE, settings).allowed[1]
    beside = (radius_mm > 62) & (radius_mm < 64)
    assert not allowed[beside & (row < -45)].any()
    assert allowed[beside & (row > 45)].mean() > 0.9
    thin = voxels.copy()
    thin[1][(radius_mm > 57) & (radius_mm < 62) & (row > 40)] = 32.0  # what is left lies in the rim alone
    allowed_thin = gather_evidence(Scan(thin, scan.geometry), make_swin(), RECIPE, settings).allowed[1]
    assert not allowed_thin[row > 45].any()
    assert allowed[(radius_mm > 24) & (radius_mm < 36) & (row < -15)].all()


@pytest.mark.parametrize(("thickness_mm", "is_blood"), [(3.5, False), (4.0, False), (5.0, True), (6.0, True)])
def test_a_layer_of_5_mm_is_blood_and_a_thinner_one_a_rim(thickness_mm: float, is_blood: bool) -> None:
    """Against a flat wall of bone, on pixels of 0.5 mm: of the first hardly anything is kept, of the other most."""
    layer = np.broadcast_to((np.arange(80) * 0.5 < thickness_mm)[:, None], (80, 60))
    hu = np.full((1, 100, 60), 1000.0, np.float32)
    hu[0, 20:] = np.where(layer, 75.0, 32.0)
    inside = np.zeros(hu.shape, bool)
    inside[0, 20:] = True
    settings = SETTINGS.model_copy(update={"bleed_contrast_hu": 18.0})
    dense = is_dense(Scan(hu, canonical_geometry(hu.shape, (5.0, 0.5, 1.0))), inside, settings)
    kept = dense[0, 20:][layer].mean()
    assert (kept > 0.5) if is_blood else (kept < 0.1)


def test_noise_is_no_bone() -> None:
    """Noise of 40 HU has one voxel in a thousand above 160; blood beside them is still blood."""
    scan = ball_head(shape=(1, 240, 240), spacing_mm=(5.0, 0.7, 0.7))
    radius_mm = np.hypot(*(np.ogrid[:240, :240][axis] - 119.5 for axis in (0, 1))) * 0.7
    noise = np.random.default_rng(0).normal(0.0, 40.0, (1, 240, 240))
    voxels = (np.where(radius_mm < 25, 54.0, scan.voxels_hu) + noise).astype(np.float32)
    assert (voxels[0][radius_mm < 25] > 160).sum() > 10
    settings = SETTINGS.model_copy(update={"bleed_contrast_hu": 14.0})
    dense = is_dense(Scan(voxels, scan.geometry), np.asarray(radius_mm < 65)[None], settings)[0]
    assert dense[radius_mm < 20].mean() > 0.8


def test_without_a_range_the_whole_brain_is_allowed() -> None:
    evidence = gather_evidence(bleeding_head(), make_swin(), RECIPE, SETTINGS)
    assert (evidence.allowed == evidence.brain_mask.mask.voxels).all()


def test_the_reference_does_not_mix_slices_though_it_normalises_batches_together() -> None:
    scan, model = bleeding_head(), make_swin(bias=8.0)
    settings = SETTINGS.model_copy(update={"preset": "reference"})
    small = gather_evidence(scan, model, RECIPE, settings, batch_size=1)
    large = gather_evidence(scan, model, RECIPE, settings, batch_size=7)
    np.testing.assert_allclose(small.map, large.map, atol=1e-4)


def test_another_method_makes_other_maps() -> None:
    scan, model = bleeding_head(), make_swin(bias=8.0)
    plain = gather_evidence(scan, model, RECIPE, SETTINGS)
    other = gather_evidence(scan, model, RECIPE, SETTINGS.model_copy(update={"method": "swin-sam"}))
    assert np.abs(plain.map - other.map).max() > 0.1


def test_pieces_that_are_hardly_dense_are_faint():
    voxels = np.zeros((2, 5, 9), bool)
    voxels[:, :, :2] = voxels[0, 1, 5:] = True  # 20 voxels through both slices, and 4
    dense = np.zeros_like(voxels)
    dense[1, :3, 0] = dense[0, 1, 5] = dense[1, 4, 8] = True  # 3 of 20, 1 of 4, and one of none
    assert not find_faint_pieces(voxels, dense, 0.15).any()
    np.testing.assert_array_equal(find_faint_pieces(voxels, dense, 0.2), voxels & (np.arange(9) < 2))
    np.testing.assert_array_equal(find_faint_pieces(voxels, dense, 0.5), voxels)
