"""How well probabilities tell slices with a bleed from slices without."""

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics import roc_auc_score


def roc_auc(probabilities: Float[np.ndarray, " items"], labels: Bool[np.ndarray, " items"]) -> float:
    """Area under the ROC curve of probabilities (not of hard predictions, which is balanced accuracy).

    NaN where all labels are equal, so that there is nothing to tell apart.
    """
    if labels.all() or not labels.any():
        return float("nan")
    return float(roc_auc_score(labels, probabilities))
