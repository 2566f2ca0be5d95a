"""The façade: a checkpoint in, a function from scans to segmentations out."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from ichnos.errors import CheckpointError, UsageError
from ichnos.models.checkpoint import Checkpoint, load_checkpoint
from ichnos.models.outputs import find_bleed_output
from ichnos.preprocessing.recipe import Recipe
from ichnos.runtime.device import choose_device
from ichnos.scans.hounsfield import mend_scan
from ichnos.scans.scan import Scan
from ichnos.segmentation.bundled import find_model
from ichnos.segmentation.doubts import doubt
from ichnos.segmentation.evidence import Evidence, gather_evidence
from ichnos.segmentation.foreground import gather_foreground
from ichnos.segmentation.pixel_size import find_scale, put_back, resize
from ichnos.segmentation.segmentation import Segmentation, decide
from ichnos.segmentation.settings import SegmentationSettings


@dataclass(frozen=True)
class Segmenter:
    """A loaded model. Call it with a scan.

    Attributes:
        checkpoint: network, weights, recipe.
        recipe: how a scan becomes input.
        settings: gate, threshold, cleanup.
        name: what results call the model.
        batch_size: slices at a time.
    """

    checkpoint: Checkpoint
    recipe: Recipe
    settings: SegmentationSettings
    name: str
    batch_size: int = 4

    def __call__(self, scan: Scan) -> Segmentation:
        """Segment one scan; deterministic on the CPU.

        Whatever it shows, there is a result: what is no head has an empty mask, and `Segmentation.flags` says why.
        Pixel sizes that cannot be true are not believed; see `pixel_size`.

        Raises:
            PixelError: values that contradict HU; see `scans.hounsfield.find_scale`.
        """
        mended = mend_scan(scan)
        evidence = self.gather(mended)
        scale = find_scale(mended, evidence.brain_mask.mask.voxels)
        if scale == 1.0:
            return self._decide(evidence)
        return put_back(self._decide(self.gather(resize(mended, scale))), mended)

    def gather(self, scan: Scan) -> Evidence:
        """Probabilities and maps of a scan, before gate and threshold are applied."""
        gather = gather_foreground if self.checkpoint.kind == "segmenter" else gather_evidence
        labels = self.checkpoint.labels
        return gather(scan, self.checkpoint.model, self.recipe, self.settings, self.batch_size, labels=labels)

    def _decide(self, evidence: Evidence) -> Segmentation:
        return decide(doubt(evidence, self.settings), self.settings, self.provenance)

    def with_settings(self, settings: SegmentationSettings) -> "Segmenter":
        """The same model with another gate, threshold or cleanup."""
        return replace(self, settings=settings)

    @property
    def detection_threshold(self) -> float:
        """Slices of this probability or more are called bleeding.

        The gate; of a segmentation network the map threshold, unless the gate is higher: ten pixels reach it.
        """
        if self.checkpoint.kind == "segmenter" and self.settings.binarisation == "fixed":
            return max(self.settings.probability_gate, self.settings.map_threshold)
        return self.settings.probability_gate

    @property
    def provenance(self) -> dict[str, Any]:
        """What a result should say about the model that made it."""
        return {
            "model": self.name,
            "sha256": self.checkpoint.sha256,
            "trained_on": self.checkpoint.training.get("data", "unknown"),
            "settings": self.settings.model_dump(mode="json"),
        }


def load_segmenter(model: Path | str | None = None, device: str = "auto") -> Segmenter:
    """Load a bundled model or a checkpoint folder.

    Args:
        model: a folder, or a name in `bundled.BUNDLED`; None for the default.
        device: auto, cpu or cuda:N.

    Raises:
        CheckpointError: the folder is not a whole checkpoint of a kind that can segment.
        UsageError: no such model or device.
    """
    folder = find_model(model)
    return make_segmenter(load_checkpoint(folder), folder.resolve().name, choose_device(device))


def make_segmenter(checkpoint: Checkpoint, name: str, device: torch.device) -> Segmenter:
    """A segmenter from a checkpoint in memory."""
    try:
        recipe = Recipe.model_validate(checkpoint.preprocessing)
        settings = SegmentationSettings.model_validate(checkpoint.segmentation)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CheckpointError(
            f"checkpoint {name!r}: {place}: {first['msg']}; was it written by a newer ichnos?"
        ) from error
    if checkpoint.kind == "embedder" or not checkpoint.labels:
        task = checkpoint.training.get("objective", f"network {checkpoint.network['name']!r}")
        raise CheckpointError(
            f"checkpoint {name!r} cannot segment yet, it was pretrained only ({task}); train a classifier or a "
            "segmentation network from it: ichnos train RECIPE -o MODEL --set start.checkpoint=FOLDER"
        )
    try:
        find_bleed_output(checkpoint.labels)
    except UsageError as error:
        raise CheckpointError(f"checkpoint {name!r} cannot segment: {error}") from error
    checkpoint.model.to(device).eval()
    if checkpoint.kind == "segmenter":
        checkpoint.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster
    return Segmenter(checkpoint, recipe, settings, name)
