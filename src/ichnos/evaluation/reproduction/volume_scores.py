"""From traces to scores of volumes, as the second paper counts (Spahr et al. 2023, 2.4)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from ichnos.cohorts.slice_store import LABELS
from ichnos.evaluation.reproduction.traces import CaseTrace
from ichnos.metrics.empty_policy import Summary, measure_overlap, summarise_overlaps
from ichnos.metrics.overlap import THRESHOLDS, Overlap

STEP = int(np.abs(THRESHOLDS - 0.5).argmin())
"""Of `THRESHOLDS`: probabilities are cut at one half (Spahr et al. 2023, 2.4)."""


@dataclass(frozen=True)
class VolumeScores:
    """Counts of a method on volumes.

    Attributes:
        overlaps: of each volume.
        patients: number of the patient of each volume.
        bleeds: volumes in which blood is drawn.
        subtypes: of `slice_store.LABELS` without `any`, which volumes have which.
    """

    overlaps: tuple[Overlap, ...]
    patients: Int[np.ndarray, " volumes"]
    bleeds: Bool[np.ndarray, " volumes"]
    subtypes: Bool[np.ndarray, "volumes 5"]

    def values(self, measure: str, policy: str, *, bleeding_only: bool = False) -> Float[np.ndarray, " chosen"]:
        """A measure of each volume; NaN where the policy leaves it out."""
        values = np.array([measure_overlap(overlap, measure, policy) for overlap in self.overlaps])
        return values[self.bleeds] if bleeding_only else values

    def summary(self, measure: str, policy: str, *, bleeding_only: bool) -> Summary:
        """Mean and standard deviation over volumes."""
        chosen = [one for one, bleeds in zip(self.overlaps, self.bleeds, strict=True) if bleeds or not bleeding_only]
        return summarise_overlaps(chosen, measure, policy)


def score_volumes(traces: Sequence[CaseTrace], region: str) -> VolumeScores:
    """Scores of one method; volumes stand in the order of the traces, which is that of their names."""
    overlaps = tuple(one.volume_overlap(region, STEP) for one in traces)
    patients = {name: number for number, name in enumerate(sorted({one.patient for one in traces}))}
    return VolumeScores(
        overlaps,
        np.array([patients[one.patient] for one in traces], dtype=int),
        np.array([overlap.true_positive + overlap.false_negative > 0 for overlap in overlaps], dtype=bool),
        np.array([(one.labels[:, 1:] == 1).any(axis=0) for one in traces], dtype=bool).reshape(-1, len(LABELS) - 1),
    )
