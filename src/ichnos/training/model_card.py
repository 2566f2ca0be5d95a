"""The model card: what a checkpoint is, in words."""

from collections.abc import Mapping

from ichnos.models.checkpoint import Checkpoint
from ichnos.runtime.provenance import RESEARCH_USE


def write_card(checkpoint: Checkpoint, name: str, test: Mapping[str, float]) -> str:
    """Markdown for a checkpoint's README.

    Args:
        checkpoint: trained and calibrated.
        name: of the model.
        test: figures on phantoms that nothing was chosen on (`evaluation.phantom_score.summarise`).
    """
    training, segmentation = checkpoint.training, checkpoint.segmentation
    parameters = sum(parameter.numel() for parameter in checkpoint.model.parameters())
    network = checkpoint.network["arguments"]
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value:.4g} |" for key, value in test.items())
    return f"""---
license: apache-2.0
library_name: ichnos
tags: [head-ct, intracranial-hemorrhage, weakly-supervised-segmentation]
---
# {name}

A small Swin transformer ({parameters:,} parameters, {network["image_size"]} pixels) that says whether an axial
head-CT slice holds a bleed. HGI-SAM (Rasoulian et al. 2023) turns its attention into masks.

**Trained on {training["data"]}.** It has never seen a patient. The figures below are on phantoms and say nothing
about patients. {RESEARCH_USE}

- Labels used: {training["labels"]}.
- Data licence: {training["data_licence"]}.
- Gate {segmentation["probability_gate"]} and map threshold {segmentation["map_threshold"]}, chosen on validation
  phantoms.
- Recipe, seed, versions and commit: `ichnos.json`.

| on test phantoms (seeds that nothing was trained or chosen on) | |
|---|---|
{rows}

ROC-AUC is over slices; a slice bleeds from one voxel on. Dice is over whole scans that bleed: a missed bleed counts
0, and scans without a bleed do not enter it; what was invented in those is `mean invented ml`.

What the phantoms lack, the model does not know: midline shift and mass effect, metal, operated heads, mixed and old
blood, movement within a slice, children. Expect misses and false alarms on real scans, and look at every picture.
"""
