"""Soft targets of a teacher that was trained from slice labels: made once, kept beside a store.

    targets/0000.targets.npy   uint8, (slices, rows, columns): probability of blood times 255
    targets/0000.usable.npy    bool, (slices,)
    targets/plan.json          what they are made from; a folder of another plan is made anew
    targets/targets.json       the shards; written last

Beyond both papers. A map of HGI-SAM (Rasoulian et al. 2023) is no probability: its calibrated
threshold, where blood begins, lies near 0.1 or 0.3. Raised to the power that moves this threshold to
one half, it is a target that a student's 0.5 agrees with.
"""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from ichnos.cohorts.shards import ShardedArray
from ichnos.cohorts.slice_store import SliceStore
from ichnos.errors import UsageError
from ichnos.runtime.files import replacing, write_json
from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import Scan
from ichnos.segmentation.segmenter import Segmenter

_SHARD_SLICES = 512

_ASSUMED_FIELD_OF_VIEW_MM = 230.0
"""Side of slices whose store does not say it; only smoothing and the cavity's openings depend on it."""

_ASSUMED_SLICE_MM = 5.0
"""Maps, cavity and density are found slice by slice; the distance of slices only enters doubts about volume."""


@dataclass(frozen=True)
class PseudoTargets:
    """Targets for every slice of a store.

    Attributes:
        values: uint8, probability of blood times 255; `values[rows]` reads slices.
        is_usable: slices with a target: those labelled healthy (all 0), and those labelled as
            bleeding in which the teacher sees it.
        plan: what they were made from.
    """

    values: ShardedArray
    is_usable: Bool[np.ndarray, " slices"]
    plan: dict[str, Any]

    def check_store(self, store: SliceStore) -> None:
        """Refuse a store that these targets were not made for.

        Raises:
            UsageError: other slices, or other labels.
        """
        if self.plan["store"] != identify_store(store):
            raise UsageError(
                f"the pseudo-targets were made for another store ({self.plan['slices']} slices, here {len(store)}); "
                "make them anew for this one"
            )


def write_pseudo_targets(teacher: Segmenter, store: SliceStore, folder: Path, *, refine: bool = True) -> PseudoTargets:
    """Let a teacher say where the blood is in those slices of which a label says that there is some.

    Slices labelled healthy get an empty target, whatever the teacher says; slices that nobody
    labelled get none. Interrupted work goes on where it stopped.

    Args:
        teacher: its gate, threshold, HU range and contrast are used.
        store: its slices may have another size than the teacher's, but must show the same field of view.
        folder: made if needed.
        refine: leave out pixels that are not as dense as the teacher's settings ask of blood.

    Raises:
        UsageError: slices of another field of view than the teacher was trained on.
    """
    _check_field_of_view(teacher, store)
    plan = {
        "store": identify_store(store),
        "slices": len(store),
        "teacher": json.loads(json.dumps(teacher.provenance)),
        "refine": refine,
    }
    _start(folder, plan)
    bare = teacher.settings.model_copy(update={"bleed_hu": None, "bleed_contrast_hu": None})
    chosen = teacher if refine else teacher.with_settings(bare)
    shards = []
    for number, cases in enumerate(_group_cases(store)):
        shards.append({"file": f"{number:04d}", "slices": int(np.isin(store.cases, cases).sum())})
        if not (folder / f"{number:04d}.usable.npy").is_file():
            made = [_make_case(chosen, store, np.flatnonzero(store.cases == case)) for case in cases]
            _save(folder / f"{number:04d}.targets.npy", np.concatenate([values for values, _ in made]))
            _save(folder / f"{number:04d}.usable.npy", np.concatenate([usable for _, usable in made]))
    write_json(folder / "targets.json", {"shape": list(store.hu.shape[1:]), "shards": shards})
    return open_pseudo_targets(folder)


def open_pseudo_targets(folder: Path) -> PseudoTargets:
    """Read what `write_pseudo_targets` wrote.

    Raises:
        UsageError: it is not there, or was not finished.
    """
    if not (folder / "targets.json").is_file():
        raise UsageError(f"{folder} holds no finished pseudo-targets (targets.json); make them first")
    content = json.loads((folder / "targets.json").read_text(encoding="utf-8"))
    shards = content["shards"]
    paths = [folder / f"{shard['file']}.targets.npy" for shard in shards]
    rows, columns = content["shape"]
    return PseudoTargets(
        values=ShardedArray(paths, [shard["slices"] for shard in shards], (rows, columns), "u1"),
        is_usable=np.concatenate([np.load(folder / f"{shard['file']}.usable.npy") for shard in shards]),
        plan=json.loads((folder / "plan.json").read_text(encoding="utf-8")),
    )


def soften(
    maps: Float[np.ndarray, "slices rows columns"], map_threshold: float
) -> Float[np.ndarray, "slices rows columns"]:
    """Maps in [0, 1] as probabilities: 0 and 1 stay, and the threshold becomes one half.

    >>> soften(np.array([[[0.0, 0.1, 1.0]]]), 0.1).round(3).tolist()
    [[[0.0, 0.5, 1.0]]]
    """
    if not 0.0 < map_threshold < 1.0:
        raise UsageError(f"the teacher's map threshold is {map_threshold}; calibrate it to lie between 0 and 1")
    return maps ** (math.log(0.5) / math.log(map_threshold))


def identify_store(store: SliceStore) -> str:
    """A digest of what a store was made from, its cases and its labels."""
    digest = hashlib.sha256(json.dumps([store.origin, store.names], sort_keys=True, default=str).encode())
    for table in (store.cases.astype("<i8"), store.labels):
        digest.update(np.ascontiguousarray(table).tobytes())
    return digest.hexdigest()


def _check_field_of_view(teacher: Segmenter, store: SliceStore) -> None:
    if "field_of_view_mm" not in store.origin:
        return
    there, needed = store.origin["field_of_view_mm"], teacher.recipe.field_of_view_mm
    if there != needed:
        raise UsageError(
            f"the store's slices show {there or 'all of their'} mm, the teacher's {needed or 'all of their'}; prepare "
            "the data with the teacher's preprocessing.field_of_view_mm"
        )


def _start(folder: Path, plan: dict[str, Any]) -> None:
    """Leave only files of this plan in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "targets.json").unlink(missing_ok=True)
    kept = folder / "plan.json"
    if not kept.is_file() or json.loads(kept.read_text(encoding="utf-8")) != plan:
        for stale in folder.glob("[0-9][0-9][0-9][0-9].*.npy"):
            stale.unlink()
        write_json(kept, plan)


def _group_cases(store: SliceStore) -> Iterator[Int[np.ndarray, " cases"]]:
    """Cases whose slices make up a shard."""
    counts = np.bincount(store.cases)
    shard = (np.cumsum(counts) - 1) // _SHARD_SLICES
    for number in np.unique(shard):
        yield np.flatnonzero(shard == number)


def _make_case(
    teacher: Segmenter, store: SliceStore, rows: Int[np.ndarray, " slices"]
) -> tuple[UInt8[np.ndarray, "slices rows columns"], Bool[np.ndarray, " slices"]]:
    slices_hu = store.hu[rows].astype(np.float32)
    labels = store.labels[rows, 0]
    is_usable = labels == 0
    values = np.zeros(slices_hu.shape, np.uint8)
    if (labels == 1).any():
        evidence = teacher.gather(_as_scan(slices_hu, _pixel_mm(store, int(store.cases[rows[0]]))))
        found = (labels == 1) & (evidence.slice_probabilities >= teacher.settings.probability_gate)
        soft = soften(evidence.map, teacher.settings.map_threshold) * evidence.allowed
        found &= soft.any(axis=(1, 2))
        values[found] = np.rint(255 * soft[found]).astype(np.uint8)
        is_usable |= found
    return values, is_usable


def _pixel_mm(store: SliceStore, case: int) -> tuple[float, float]:
    """Rows and columns of a pixel, as the store tells them."""
    if store.records and "pixel_mm" in store.records[case]:
        row_mm, column_mm = store.records[case]["pixel_mm"]
        return float(row_mm), float(column_mm)
    side_mm = store.origin.get("field_of_view_mm") or _ASSUMED_FIELD_OF_VIEW_MM
    return side_mm / store.hu.shape[1], side_mm / store.hu.shape[2]


def _as_scan(slices_hu: Float[np.ndarray, "slices rows columns"], pixel_mm: tuple[float, float]) -> Scan:
    """Slices of the model grid as a scan, which a segmenter takes."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = _ASSUMED_SLICE_MM, -pixel_mm[0], -pixel_mm[1], 1.0
    return Scan(slices_hu, Geometry.from_affine(affine, slices_hu.shape))


def _save(path: Path, array: np.ndarray) -> None:
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, array)
