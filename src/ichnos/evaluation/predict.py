"""Predictions that a checkpoint makes while they are scored."""

from ichnos.evaluation.predictions import Prediction
from ichnos.scans.scan import Scan
from ichnos.segmentation.segmenter import Segmenter


def predict_with(segmenter: Segmenter, scan: Scan) -> Prediction:
    """What a checkpoint predicts."""
    result = segmenter(scan)
    detected = result.slice_probabilities >= segmenter.detection_threshold
    return Prediction(result.bleed_mask.voxels, result.slice_probabilities, detected)
