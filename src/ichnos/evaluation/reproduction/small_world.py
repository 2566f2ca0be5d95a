"""What both experiments share at `phantom` scale, and why it is so small.

`paper` is what the papers say, as the recipes of the package hold it. `phantom` is made so that each of the two
experiments ends within half an hour on two idle cores. What it changes, and why:

- slices of 64 x 64 pixels, networks of 0.3 to 0.6 million weights, a dozen epochs: a step takes a tenth of a second;
- a world without look-alikes, seen by a quiet scanner. For the first paper it has two subtypes, within the brain and
  its ventricles: a Swin trained from scratch on some hundred phantoms tells them from healthy brain (ROC-AUC above
  0.9); with all five it needs several times as many. For the second, scans with masks have the three subtypes
  that are thicker than a pixel;
- a learning rate that rises and falls once (one cycle) instead of a small constant one, since nothing is pretrained;
- 3 folds instead of 5 or 10.
"""

from typing import Any

SMALL_WORLD: dict[str, Any] = {
    "slices": 12,
    "rows": 128,
    "columns": 128,
    "gap_mm": [5.0, 15.0],
    "subtypes": ["intraparenchymal", "intraventricular"],
    "noise_hu": [1.5, 3.0],
    "distractors": False,
}
WHOLE_WORLD: dict[str, Any] = {"slices": 32, "rows": 512, "columns": 512, "bleed_probability": 0.5}

SMALL_GRID = {"image_size": 64, "field_of_view_mm": 216}
