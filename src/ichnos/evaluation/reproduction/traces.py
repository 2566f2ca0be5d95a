"""One pass of a method over a test cohort: what it says of each slice, at every threshold, kept as counts.

Whatever the tables need is made of these afterwards; no network runs twice. A case is a file, so that an
interrupted pass goes on with the next case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int8, Shaped

from ichnos.cohorts.case import LabelledScan
from ichnos.cohorts.folds import read_folds
from ichnos.errors import CohortError
from ichnos.evaluation.reproduction.cohort_stages import open_test_cohort, read_parts
from ichnos.evaluation.reproduction.training_stage import CHECKPOINT
from ichnos.metrics.overlap import Overlap, ThresholdCounts, count_by_threshold
from ichnos.runtime.files import replacing
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.segmenter import Segmenter, load_segmenter

REGIONS = ("everywhere", "brain")
"""Where a mask may be: in the whole slice, or in the intracranial cavity."""


@dataclass(frozen=True)
class CaseTrace:
    """What a method says of one case.

    Attributes:
        case: its id.
        patient: whose it is.
        labels: per slice, in the order of `slice_store.LABELS`; whether it is drawn where nobody labelled it.
        probabilities: P(bleed) per slice.
        counts: by region: true positive, false positive, false negative pixels of each slice at each of `THRESHOLDS`.
    """

    case: str
    patient: str
    labels: Int8[np.ndarray, "slices 6"]
    probabilities: Float[np.ndarray, " slices"]
    counts: Mapping[str, Int[np.ndarray, "3 slices 101"]]

    @property
    def bleeds(self) -> Bool[np.ndarray, " slices"]:
        """Slices labelled as bleeding."""
        return np.asarray(self.labels[:, 0] == 1)

    def curves(self, region: str) -> Float[np.ndarray, "bleeding 101"]:
        """Dice at each threshold in each slice that bleeds, by label and drawing."""
        chosen = np.flatnonzero(self.is_scored(region))
        slices = [ThresholdCounts(*self.counts[region][:, z]) for z in chosen]
        return np.stack([one.dice for one in slices]) if slices else np.empty((0, 101))

    def is_scored(self, region: str) -> Bool[np.ndarray, " slices"]:
        """Slices labelled as bleeding in which blood is drawn."""
        drawn = self.counts[region][0, :, 0] + self.counts[region][2, :, 0] > 0
        return self.bleeds & np.asarray(drawn)

    def slice_overlap(self, region: str, z: int, step: int) -> Overlap:
        """Counts of a slice at `THRESHOLDS[step]`."""
        return Overlap(*(int(count) for count in self.counts[region][:, z, step]))

    def volume_overlap(self, region: str, step: int) -> Overlap:
        """Counts of the volume: the sum over its slices."""
        return Overlap(*(int(count) for count in self.counts[region][:, :, step].sum(axis=1)))


def trace_method(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`cases/*.npz`: a method's counts on every test case, each by the network that did not train on it.

    Args:
        own: folder of the stage.
        needs: folders of other stages.
        settings: `cohort` (stage); `models`, the stage that trained the network for each fold, or for `all`; `folds`
            (stage) unless it is for all; `parts` (stage) if only its part `test` counts; `method` of maps, None for
            the checkpoint's own; `regions`, some of `REGIONS`; `grid`, `native` or a side in pixels; `device`.
    """
    cohort = open_test_cohort(needs[settings["cohort"]])
    folds = _find_folds(needs, settings)
    wanted = set(read_parts(needs[settings["parts"]])["test"]) if "parts" in settings else None
    segmenters: dict[str, Segmenter] = {}
    cases = [case for case in cohort.cases if wanted is None or case.case in wanted]
    for case in cases:
        path = own / "cases" / f"{case.case}.npz"
        if path.is_file():
            continue
        fold = folds.get(case.case, "all")
        if fold not in segmenters:
            segmenters[fold] = load_method(needs[settings["models"][fold]], settings)
        trace = trace_case(segmenters[fold], cohort.load(case), settings["regions"], settings["grid"])
        save_trace(trace, path)
    return {"cases": len(cases)}


def load_method(stage: Path, settings: Mapping[str, Any]) -> Segmenter:
    """The segmenter of a training stage, its gate open, with the method and region asked for."""
    segmenter = load_segmenter(stage / CHECKPOINT, settings["device"])
    changes: dict[str, Any] = {"probability_gate": 0.0, "within_brain": settings["regions"] == ["brain"]}
    if settings.get("method"):
        changes["method"] = settings["method"]
    return segmenter.with_settings(segmenter.settings.model_copy(update=changes))


def trace_case(segmenter: Segmenter, labelled: LabelledScan, regions: Sequence[str], grid: str) -> CaseTrace:
    """Run a method on one case.

    Raises:
        CohortError: nobody drew masks of it.
    """
    if labelled.bleed_masks is None:
        raise CohortError(f"case {labelled.case.case}: nobody drew its masks; the test cohort needs them")
    evidence = segmenter.gather(labelled.scan)
    label = np.zeros(labelled.scan.voxels_hu.shape, bool)
    for voxels in labelled.bleed_masks.values():
        label |= voxels
    labels = labelled.slice_labels.copy()
    unknown = labels[:, 0] < 0
    labels[unknown, 0] = np.any(label, axis=(1, 2))[unknown]
    return CaseTrace(
        labelled.case.case,
        labelled.case.patient,
        labels,
        np.asarray(evidence.slice_probabilities, dtype=np.float64),
        {region: _count(evidence, label, region, grid) for region in regions},
    )


def read_traces(stage: Path) -> list[CaseTrace]:
    """What a finished `trace_method` wrote, by case."""
    return [_load(path) for path in sorted((stage / "cases").glob("*.npz"))]


def save_trace(trace: CaseTrace, path: Path) -> None:
    """Write a file that `read_traces` reads, in one step."""
    arrays: dict[str, Any] = {"labels": trace.labels, "probabilities": trace.probabilities, **trace.counts}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, patient=np.array(trace.patient), **arrays)


def resize_nearest(
    voxels: Shaped[np.ndarray, "slices rows columns"], grid: str
) -> Shaped[np.ndarray, "slices new_rows new_columns"]:
    """The whole slice on a square of `grid` pixels, each the nearest of the scan's; `native` leaves it as it is.

    As in `case_score.resize_mask`. To cut a map that was resized so is to resize the mask that was cut.
    """
    if grid == "native":
        return voxels
    size = int(grid)
    rows, columns = (((np.arange(size) + 0.5) * length / size).astype(int) for length in voxels.shape[1:])
    return voxels[:, rows[:, None], columns]


def _count(
    evidence: Evidence, label: Bool[np.ndarray, "slices rows columns"], region: str, grid: str
) -> Int[np.ndarray, "3 slices 101"]:
    allowed = evidence.allowed & evidence.brain_mask.mask.voxels if region == "brain" else evidence.allowed
    stacks = [resize_nearest(voxels, grid) for voxels in (evidence.map, label, allowed)]
    counted = [count_by_threshold(*one) for one in zip(*stacks, strict=True)]
    return np.stack(
        [
            np.stack([one.true_positive for one in counted]),
            np.stack([one.false_positive for one in counted]),
            np.stack([one.false_negative for one in counted]),
        ]
    ).astype(np.int64)


def _find_folds(needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, str]:
    if set(settings["models"]) == {"all"}:
        return {}
    folds = read_folds(needs[settings["folds"]] / "folds.json")
    return {name: str(fold) for name, fold in zip(folds.names, folds.folds, strict=True)}


def _load(path: Path) -> CaseTrace:
    with np.load(path, allow_pickle=False) as arrays:
        counts = {region: arrays[region] for region in REGIONS if region in arrays}
        return CaseTrace(path.stem, str(arrays["patient"]), arrays["labels"], arrays["probabilities"], counts)
