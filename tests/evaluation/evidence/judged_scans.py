"""Judged scans whose counts are written down, so that tables can be worked out by hand."""

from ichnos.evaluation.case_score import GRIDS, CaseScore, Counts, SliceScore
from ichnos.evaluation.evidence.judged import JudgedScan


def judged(case, slices, label_ml, predicted_ml, drawn=(), found=()):
    """Slices are (tp, fp, fn, probability)."""
    counts = [Counts(tp=tp, fp=fp, fn=fn) for tp, fp, fn, _ in slices]
    score = CaseScore(
        case=case,
        patient=case,
        subtypes=tuple(dict(drawn)),
        has_masks=True,
        bleeds=label_ml > 0,
        label_ml=label_ml,
        predicted_ml=predicted_ml,
        diagonal_mm=200.0,
        hd95_mm=None,
        assd_mm=None,
        surface_voxels=0,
        surface_close=0,
        lesions=Counts(tp=0, fp=0, fn=0),
        slices=tuple(
            SliceScore(
                z=z,
                label=one.tp + one.fn > 0,
                probability=slices[z][3],
                detected=slices[z][3] > 0.5,
                counts=dict.fromkeys(GRIDS, one),
            )
            for z, one in enumerate(counts)
        ),
    )
    return JudgedScan(score=score, drawn_ml=dict(drawn), found_ml=dict(found))


SCANS = [
    judged("a", [(10, 0, 10, 0.9), (0, 0, 5, 0.2)], 8.0, 5.0, {"epidural": 8.0}, {"epidural": 4.0}),
    judged(
        "b", [(30, 10, 0, 0.8)], 40.0, 50.0, {"epidural": 10.0, "subdural": 30.0}, {"epidural": 8.0, "subdural": 30.0}
    ),
    judged("c", [(0, 6, 0, 0.7)], 0.0, 3.0),
    judged("d", [(0, 0, 0, 0.1)], 0.0, 0.0),
]
