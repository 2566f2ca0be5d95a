"""A model that calls blood what is denser than a level, so that its answers are known."""

import numpy as np
import pytest
from tiny import tiny_recipe
from torch import nn

from ichnos.models.checkpoint import Checkpoint
from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.scans.scan import Mask
from ichnos.segmentation import segmenter as segmenter_module
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.segmenter import Segmenter
from ichnos.segmentation.settings import SegmentationSettings


@pytest.fixture
def dense(monkeypatch):
    """Makes such models, by level in HU."""

    def gather(scan, model, recipe, settings, batch_size, *, labels):
        everywhere = np.ones(scan.voxels_hu.shape, bool)
        found = (scan.voxels_hu >= float(labels[0])) & (scan.voxels_hu < 95.0)
        probabilities = found.any(axis=(1, 2)).astype(np.float32)
        brain = BrainMask(Mask(everywhere, scan.geometry), ())
        return Evidence(scan, brain, found.astype(np.float32), probabilities, everywhere)

    monkeypatch.setattr(segmenter_module, "gather_evidence", gather)

    def make(level_hu):
        checkpoint = Checkpoint({"name": "swin"}, {}, {}, (str(level_hu),), nn.Identity())
        settings = SegmentationSettings(minimum_ml=0.0, within_brain=False)
        return Segmenter(checkpoint, tiny_recipe().preprocessing, settings, "dense")

    return make
