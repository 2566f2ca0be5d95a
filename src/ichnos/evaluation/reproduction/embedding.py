"""What encoders see alike: t-SNE of the pooled bottleneck, as figure 5 of the second paper (Spahr et al. 2023)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from ichnos.cohorts.slice_store import LABELS, SliceStore, load_store
from ichnos.errors import CheckpointError
from ichnos.evaluation.figures import draw_embeddings, write_figure
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT
from ichnos.models.checkpoint import Checkpoint, load_checkpoint
from ichnos.models.unet import UNetEncoder
from ichnos.preprocessing.recipe import Recipe

_AT_ONCE = 32


def embed_slices(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json` and `pictures/`: slices that no pretext saw, embedded by each encoder as its pretext left it."""
    store = load_store(needs["test"] / "store")
    rows = np.sort(np.random.default_rng(settings["seed"]).permutation(len(store))[: settings["most"]])
    points = {}
    for title, stage in settings["networks"].items():
        pooled = pool_bottleneck(load_checkpoint(needs[stage] / CHECKPOINT), store, rows)
        points[title] = project(pooled, settings["seed"])
    classes = {
        name: store.labels[rows, column] == 1
        for column, name in enumerate(LABELS)
        if name != "any" and (store.labels[rows, column] == 1).any()
    }
    measured_on = settings["measured_on"]
    write_figure(draw_embeddings(points, classes, measured_on), own / "pictures" / "label-efficient-embedding.png")
    caption = f"t-SNE of the average-pooled bottleneck of {len(rows)} slices that no pretext saw, {measured_on}."
    write_parts([Part("What the encoders tell apart", (), (), (("label-efficient-embedding.png", caption),))], own)
    return {"slices": len(rows)}


def pool_bottleneck(
    checkpoint: Checkpoint, store: SliceStore, rows: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, "rows width"]:
    """Coarsest features of a U-Net's encoder, averaged over the slice.

    Raises:
        CheckpointError: the network has no such encoder.
    """
    encoder = getattr(checkpoint.model, "encoder", None)
    if not isinstance(encoder, UNetEncoder):
        raise CheckpointError(f"network {checkpoint.network['name']!r} has no encoder of a U-Net to look into")
    recipe = Recipe.model_validate(checkpoint.preprocessing)
    encoder.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows), _AT_ONCE):
            pixels = recipe.make_channels(store.hu[rows[start : start + _AT_ONCE]].astype(np.float32))
            parts.append(encoder(torch.from_numpy(pixels))[-1].mean(dim=(2, 3)).numpy())
    return np.concatenate(parts).astype(np.float64)


def project(features: Float[np.ndarray, "slices width"], seed: int) -> Float[np.ndarray, "slices 2"]:
    """t-SNE, seeded; its perplexity is 30, less where slices are few."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(features) - 1) / 3)
    found = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(features)
    return np.asarray(found, dtype=np.float64)
