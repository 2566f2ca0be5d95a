"""The literals against each other: a slip of the pen in one of them breaks an identity."""

import numpy as np
import pytest

from ichnos.evaluation import published
from ichnos.evaluation.published import (
    DETECTION,
    DETECTION_COUNTS,
    FOLD_SLICES,
    FOLDS,
    GROUPS,
    SEGMENTATION_BY_SLICE,
    SEGMENTATION_BY_VOLUME,
    MeanSpread,
)
from ichnos.evaluation.tables import compare_with_published

WEAK = ("Swin-Grad-CAM", "Swin-SAM multi-label", "Swin-SAM binary", "Swin-HGI-SAM")
FULL = ("U-Net", "Swin-UNETR")


def test_every_cell_is_there():
    for methods in SEGMENTATION_BY_SLICE.values():
        assert tuple(methods) == (*WEAK, *FULL)
        assert {len(cells) for cells in methods.values()} == {len(FOLDS)}
    for methods in DETECTION.values():
        assert tuple(methods) == (*WEAK[1:], *FULL) == tuple(DETECTION_COUNTS)
        assert {len(cells) for cells in methods.values()} == {len(FOLDS)}
    assert {np.shape(cells) for cells in SEGMENTATION_BY_VOLUME.values()} == {(3, 3, 2)}
    assert len(SEGMENTATION_BY_VOLUME) == 10


def test_folds_hold_all_slices_of_the_collection():
    assert np.sum(FOLD_SLICES, axis=0).tolist() == [318, 2496]


@pytest.mark.parametrize("measure", SEGMENTATION_BY_SLICE)
@pytest.mark.parametrize("method", [*WEAK, *FULL])
def test_overall_is_the_mean_of_folds_weighted_by_slices_that_bleed(measure, method):
    """Hence all slices that bleed were scored, and none that do not."""
    *folds, overall = SEGMENTATION_BY_SLICE[measure][method]
    weights = [bleeding for bleeding, _ in FOLD_SLICES]
    assert np.average([mean for mean, _ in folds], weights=weights) == pytest.approx(overall[0], abs=0.0011)


@pytest.mark.parametrize("method", [*WEAK, *FULL])
def test_the_overall_standard_error_is_that_of_all_slices(method):
    """Pooled from the folds: each SE gives back a deviation, the fold means the rest."""
    *folds, overall = SEGMENTATION_BY_SLICE["dice"][method]
    counts = np.array([bleeding for bleeding, _ in FOLD_SLICES])
    means, errors = np.array(folds).T
    squares = errors**2 * counts * (counts - 1) + counts * (means - overall[0]) ** 2
    assert (squares.sum() / 317 / 318) ** 0.5 == pytest.approx(overall[1], abs=0.001)


def test_cells_by_name():
    assert published.segmentation_by_slice("dice", "Swin-HGI-SAM") == MeanSpread(0.444, 0.014)
    assert published.segmentation_by_slice("iou", "Swin-UNETR", "4") == MeanSpread(0.458, 0.030)
    assert published.detection("balanced_accuracy", "Swin-HGI-SAM", "1") == 0.904
    multi_label = "Multi-label classification (CE)"
    assert published.segmentation_by_volume("recall", multi_label, GROUPS[1]) == MeanSpread(52.14, 31.35)
    assert published.detection_counts("Swin-HGI-SAM").true_positive == 261
    assert published.detection_counts("Swin-HGI-SAM", "3").false_negative == 30


def test_cells_as_text_fit_the_table_of_published_and_own_figures():
    cells = published.segmentation_by_slice_cells()
    assert cells["Swin-HGI-SAM"] == {"dice": "0.444 ± 0.014", "iou": "0.319 ± 0.012"}
    assert published.detection_cells("2")["U-Net"]["precision"] == "0.304"
    by_volume = published.segmentation_by_volume_cells(GROUPS[0])
    assert by_volume["U-Net 2D ICH-only"]["dice"] == "15.73 ± 25.22"
    table = compare_with_published("Table 1", cells, {"U-Net": {"dice": "0.1 ± 0.1"}}, "phantoms")
    assert table.rows[4][:3] == ("U-Net", "0.438 ± 0.019", "0.1 ± 0.1")


def test_on_the_volumes_of_seg_cq500_that_all_bleed_the_worst_is_icm_less():
    dice = {method: groups[2][0][0] for method, groups in SEGMENTATION_BY_VOLUME.items()}
    assert (min(dice.values()), max(dice.values())) == (51.74, 63.23)  # as the text says, section 4.2
    assert min(dice, key=dice.get) == "U-Net 2D ICH-only"
