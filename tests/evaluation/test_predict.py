import torch
from segmentation.stubs import bleeding_head, make_unet_checkpoint

from ichnos.evaluation.predict import predict_with
from ichnos.segmentation.segmenter import make_segmenter


def test_a_checkpoint_predicts():
    segmenter = make_segmenter(make_unet_checkpoint(), "unet", torch.device("cpu"))
    found, result = predict_with(segmenter, bleeding_head()), segmenter(bleeding_head())
    assert (found.bleed_mask == result.bleed_mask.voxels).all()
    assert (found.detected == (result.slice_probabilities >= 0.5)).all()
