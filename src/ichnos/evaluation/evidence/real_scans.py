"""What models call blood in scans that a user has: millilitres, and the masks for pictures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ichnos.evaluation.evidence.judged import load_judged_models
from ichnos.evaluation.reproduction.content import Part
from ichnos.evaluation.tables import Table
from ichnos.runtime.files import replacing, write_json
from ichnos.scans.read import read_scan


@dataclass(frozen=True)
class RealFinding:
    """What a model said of a scan.

    Attributes:
        scan: its number; names may be patients'.
        model: its title.
        volume_ml: called blood.
        slices: of the scan.
        slices_called: slices with blood in them.
        probability: of the most suspicious slice.
        flags: doubts.
    """

    scan: int
    model: str
    volume_ml: float
    slices: int
    slices_called: int
    probability: float
    flags: tuple[str, ...]


def look_at_scans(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`findings.json`, and `masks.npz` with each model's mask of each scan.

    Args:
        own: folder of the stage.
        needs: folders of other stages.
        settings: `folder`, a scan or a folder of scans; `models` and `device` as of `judge_family`.
    """
    segmenters = load_judged_models(needs, settings)
    findings: list[RealFinding] = []
    masks: dict[str, Any] = {}
    places = list_scans(Path(settings["folder"]))
    for number, place in enumerate(places, start=1):
        scan = read_scan(place)
        masks[f"hu-{number}"] = scan.voxels_hu.astype(np.int16)
        for column, (title, segmenter) in enumerate(segmenters.items()):
            result = segmenter(scan)
            voxels = result.bleed_mask.voxels
            masks[f"mask-{number}-{column}"] = voxels
            called = int(voxels.any(axis=(1, 2)).sum())
            findings.append(
                RealFinding(number, title, result.volume_ml, len(voxels), called, result.probability, result.flags)
            )
    write_json(own / "findings.json", [asdict(one) for one in findings])
    with replacing(own / "masks.npz") as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **masks)
    return {"scans": len(places), "volumes_ml": {f"{one.model} {one.scan}": one.volume_ml for one in findings}}


def list_scans(folder: Path) -> list[Path]:
    """A folder's scans: its subfolders and files other than DICOM, or the folder itself."""
    if not folder.is_dir():
        return [folder]
    inside = sorted(path for path in folder.iterdir() if path.is_dir() or path.name.endswith((".nii", ".nii.gz")))
    return inside or [folder]


def read_findings(stage: Path) -> list[RealFinding]:
    """What a finished `look_at_scans` wrote."""
    plain = json.loads((stage / "findings.json").read_text(encoding="utf-8"))
    return [RealFinding(**{**one, "flags": tuple(one["flags"])}) for one in plain]


def tell_real(findings: Sequence[RealFinding]) -> Part:
    """A table of scans that are taken to hold no blood."""
    rows = tuple(
        (
            one.model,
            str(one.scan),
            f"{one.volume_ml:.1f}",
            f"{one.slices_called} of {one.slices}",
            f"{one.probability:.2f}",
            "; ".join(one.flags) or "none",
        )
        for one in findings
    )
    columns = ("model", "scan", "called blood, mL", "slices with it", "highest P(bleed)", "flags")
    note = "whatever is called blood is false if, as its collection says, the scan shows none"
    return Part("Real scans without blood", (), (Table("Measured on real scans", columns, rows, (note,)),))
