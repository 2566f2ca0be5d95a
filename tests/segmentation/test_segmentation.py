import numpy as np
import pytest
from preprocessing.heads import canonical_geometry

from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.scans.scan import Mask, Scan
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.segmentation import decide, remove_small_pieces
from ichnos.segmentation.settings import SegmentationSettings

SHAPE = (3, 6, 6)
GEOMETRY = canonical_geometry(SHAPE, (10.0, 1.0, 1.0))  # a voxel stands for 0.01 mL


def make_evidence(values: np.ndarray, probabilities: list[float], doubts: tuple[str, ...] = ()) -> Evidence:
    scan = Scan(np.zeros(SHAPE, dtype=np.float32), GEOMETRY, warnings=("a gap",))
    brain = np.zeros(SHAPE, dtype=bool)
    brain[:, 1:5, 1:5] = True
    return Evidence(
        scan=scan,
        brain_mask=BrainMask(Mask(brain, GEOMETRY), doubts),
        map=values.astype(np.float32),
        slice_probabilities=np.array(probabilities, dtype=np.float32),
        allowed=brain,
    )


@pytest.mark.parametrize("binarisation", ["otsu", "k-means"])
def test_a_map_may_give_its_own_threshold_slice_by_slice(binarisation: str) -> None:
    """Two levels in each slice, each pair elsewhere; one threshold for the scan would merge or lose a slice."""
    values = np.zeros(SHAPE)
    values[:, 1:5, 1:5] = np.array([0.1, 0.6, 0.3])[:, None, None]
    values[0, 2, 2:4], values[1, 3, 3] = 0.2, 0.9
    settings = SegmentationSettings(binarisation=binarisation)
    voxels = decide(make_evidence(values, [0.9, 0.9, 0.9]), settings, {}).bleed_mask.voxels
    assert np.argwhere(voxels).tolist() == [[0, 2, 2], [0, 2, 3], [1, 3, 3]]


def test_gate_threshold_and_allowed_voxels_all_count() -> None:
    values = np.zeros(SHAPE)
    values[0, 2, 2] = values[1, 2, 2] = 0.5
    values[1, 3, 3] = 0.5 - 1e-3
    values[1, 0, 0] = 1.0  # outside the brain
    result = decide(make_evidence(values, [0.4, 0.5, 0.9]), SegmentationSettings(map_threshold=0.5), {"model": "m"})
    assert np.argwhere(result.bleed_mask.voxels).tolist() == [[1, 2, 2]]
    assert result.volume_ml == pytest.approx(0.01)
    assert result.probability == pytest.approx(0.9)
    assert result.provenance == {"model": "m"}


def test_flags_gather_what_a_reader_should_know() -> None:
    values = np.zeros(SHAPE)
    values[2, 2, 2] = 1.0  # in the last slice
    result = decide(make_evidence(values, [0, 0, 1], ("doubtful",)), SegmentationSettings(), {})
    assert result.flags[:2] == ("a gap", "doubtful")
    assert "touches the edge" in result.flags[2]


def test_small_pieces_go_and_large_ones_stay() -> None:
    voxels = np.zeros(SHAPE, dtype=bool)
    voxels[0, 1, 1:4] = True  # 0.03 mL
    voxels[1, 1, 1] = True  # joined from above: 0.04 mL
    voxels[1, 4, 4] = True  # 0.01 mL; touches nothing by a face
    kept = remove_small_pieces(voxels, GEOMETRY, 0.035)
    assert kept.sum() == 4
    assert not kept[1, 4, 4]
    assert remove_small_pieces(voxels, GEOMETRY, 0.0).sum() == 5


def test_pieces_are_measured_with_their_slices_extents() -> None:
    """Two equal pieces; the one in the thick part of an uneven stack is larger."""
    uneven = canonical_geometry(SHAPE, (10.0, 1.0, 1.0))
    origins_mm = uneven.origins_mm.copy()
    origins_mm[2, 2] += 20.0
    uneven = type(uneven)(origins_mm, uneven.row_steps_mm, uneven.column_steps_mm, 6, 6)
    voxels = np.zeros(SHAPE, dtype=bool)
    voxels[0, 1, 1] = voxels[2, 4, 4] = True
    assert np.argwhere(remove_small_pieces(voxels, uneven, 0.02)).tolist() == [[2, 4, 4]]


@pytest.mark.parametrize(("thickness_mm", "least_ml"), [(0.5, 0.02), (5.0, 0.02), (10.0, 0.04)])
def test_a_lone_slice_is_as_thick_as_slices_are(thickness_mm: float, least_ml: float) -> None:
    """Four pixels of 1 mm: 0.02 mL in a slice of 5 mm, however thin it says that it is."""
    geometry = canonical_geometry((1, 6, 6), (thickness_mm, 1.0, 1.0))
    voxels = np.zeros((1, 6, 6), dtype=bool)
    voxels[0, 1:3, 1:3] = True
    assert remove_small_pieces(voxels, geometry, least_ml * 0.99).sum() == 4
    assert remove_small_pieces(voxels, geometry, least_ml * 1.01).sum() == 0
