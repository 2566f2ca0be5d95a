"""What models find of bleeds painted into real slices, and in the same slices as they are."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from ichnos.evaluation.evidence.judged import load_judged_models
from ichnos.evaluation.evidence.painted import DRAWN, list_shown, paint_slices
from ichnos.evaluation.evidence.real_scans import list_scans
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.tables import Table, with_spread
from ichnos.metrics.overlap import count_overlap
from ichnos.preprocessing.brain_mask import find_brain_mask
from ichnos.runtime.files import write_json
from ichnos.scans.read import read_scan
from ichnos.scans.scan import Scan, take_slice
from ichnos.segmentation.segmenter import Segmenter

FORMS: dict[str, Callable[[Scan], Scan]] = {
    "HU": lambda scan: scan,
    "8 bits": lambda scan: replace(scan, voxels_hu=np.clip(np.rint(scan.voxels_hu), 0.0, 255.0).astype(np.float32)),
}
"""Forms in which each slice is shown: as it was read, and as a picture of HU 0 to 255."""


@dataclass(frozen=True)
class PaintedFinding:
    """What a model said of a slice.

    Attributes:
        model: its title.
        form: a name in `FORMS`.
        subtype: of the painted bleed; empty for a slice as it is.
        dice: against the painted bleed; None for a slice as it is.
        volume_ml: called blood.
        probability: of the slice.
    """

    model: str
    form: str
    subtype: str
    dice: float | None
    volume_ml: float
    probability: float


def judge_painted(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`painted.json` and `parts.json`: each model on painted slices, and on such slices of the scans as they are.

    Args:
        own: folder of the stage.
        needs: folders of other stages.
        settings: `folder`, a scan or a folder of scans without blood; `count` of bleeds in each, `seed`; `models`
            and `device` as of `judge_family`.
    """
    segmenters = load_judged_models(needs, settings)
    findings: list[PaintedFinding] = []
    for number, place in enumerate(list_scans(Path(settings["folder"]))):
        findings += look_at_painted(read_scan(place), segmenters, settings["count"], settings["seed"] + number)
    write_json(own / "painted.json", [asdict(one) for one in findings])
    part = tell_painted(findings)
    write_parts([part], own)
    return {"rows": [list(row) for row in part.tables[0].rows]}


def look_at_painted(scan: Scan, segmenters: Mapping[str, Segmenter], count: int, seed: int) -> Iterator[PaintedFinding]:
    """Every model's finding of every slice in every form."""
    shown = list_shown(scan, find_brain_mask(scan).mask.voxels)
    clean = [("", take_slice(scan, int(z)), None) for z in shown]
    painted = [(one.subtype, one.scan, one.bleed) for one in paint_slices(scan, count, seed)]
    for subtype, one, bleed in [*clean, *painted]:
        for form, show in FORMS.items():
            exported = show(one)
            for title, segmenter in segmenters.items():
                result = segmenter(exported)
                dice = None if bleed is None else count_overlap(result.bleed_mask.voxels, bleed).dice
                yield PaintedFinding(title, form, subtype, dice, result.volume_ml, result.probability)


def read_painted(stage: Path) -> list[PaintedFinding]:
    """What a finished `judge_painted` wrote."""
    return [PaintedFinding(**one) for one in json.loads((stage / "painted.json").read_text(encoding="utf-8"))]


def tell_painted(findings: Sequence[PaintedFinding]) -> Part:
    """A row for each model and form."""
    rows = []
    for title in dict.fromkeys(one.model for one in findings):
        for form in FORMS:
            own = [one for one in findings if (one.model, one.form) == (title, form)]
            painted = [one for one in own if one.dice is not None]
            clean = [one for one in own if one.dice is None]
            dice = np.array([one.dice for one in painted], np.float64)
            by_subtype = [_mean([one.dice for one in painted if one.subtype == subtype]) for subtype in DRAWN]
            rows.append((title, form, _spread(dice), *by_subtype, _auc(painted, clean), _invented(clean)))
    first = [one for one in findings if (one.model, one.form) == (findings[0].model, findings[0].form)]
    count = sum(one.dice is not None for one in first)
    notes = (
        f"{count} bleeds, the subtypes in turn, each in a slice of its own, shown alone; {len(first) - count} slices "
        "that show as much brain, as they are",
        "Dice: mean ± standard error over bleeds of one head, on the scan's own grid; a missed bleed counts 0",
        "slice ROC-AUC: painted slices against those as they are; invented: sum over slices as they are",
        "blood that was painted is not a patient's: it tells where a model is weak on real images, and no more",
    )
    columns = ("model", "shown as", "Dice", *DRAWN, "slice ROC-AUC", "invented, mL")
    table = Table("Measured on bleeds painted into real slices without blood", columns, tuple(rows), notes)
    return Part("Bleeds painted into real slices", (), (table,))


def _auc(painted: Sequence[PaintedFinding], clean: Sequence[PaintedFinding]) -> str:
    if not painted or not clean:
        return "-"
    truth = [True] * len(painted) + [False] * len(clean)
    return f"{roc_auc_score(truth, [one.probability for one in [*painted, *clean]]):.3f}"


def _invented(clean: Sequence[PaintedFinding]) -> str:
    return f"{sum(one.volume_ml for one in clean):.1f}"


def _mean(values: Sequence[float | None]) -> str:
    return f"{np.mean(np.array(values, np.float64)):.2f}" if values else "-"


def _spread(dice: np.ndarray) -> str:
    if len(dice) < 2:
        return _mean(list(dice))
    return with_spread(float(dice.mean()), float(dice.std(ddof=1) / np.sqrt(len(dice))), 2)
