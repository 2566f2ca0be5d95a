"""Table 3 and figures 3 and 4 of the second paper, from traces (Spahr et al. 2023, section 3)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ichnos.cohorts.slice_store import LABELS
from ichnos.evaluation.figures import draw_boxes, draw_p_values, write_figure
from ichnos.evaluation.published import (
    GROUPS,
    SEGMENTATION_BY_VOLUME,
    VOLUME_MEASURES,
    segmentation_by_volume,
    segmentation_by_volume_cells,
)
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.order import compare_orders
from ichnos.evaluation.reproduction.plan import read_done
from ichnos.evaluation.reproduction.traces import read_traces
from ichnos.evaluation.reproduction.volume_scores import VolumeScores, score_volumes
from ichnos.evaluation.significance import compare_methods
from ichnos.evaluation.tables import Table, compare_with_published, with_spread

POLICY = "epsilon-one"
"""The second paper's."""

ICM = " + ICM"
"""How table 3 marks baselines that are cut to the intracranial mask."""

_VIEWS = ((GROUPS[0], False), (GROUPS[1], True))
"""Published group, and whether only bleeding volumes enter."""


def make_results(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json`, `tables/` and `pictures/`."""
    scores: dict[str, VolumeScores] = {}
    for title, stage in settings["traces"].items():
        traces = read_traces(needs[stage])
        if title in settings["baselines"]:
            scores[title + ICM] = score_volumes(traces, "brain")
        scores[title] = score_volumes(traces, "everywhere")
    ordered = {title: scores[title] for title in SEGMENTATION_BY_VOLUME if title in scores}
    measured_on = settings["measured_on"]
    parts = [
        _tell_segmentation(ordered, measured_on),
        _tell_subtypes(ordered, measured_on, own),
        _tell_differences(ordered, measured_on, own),
        _tell_pretexts({title: [needs[one] for one in stages] for title, stages in settings["pretexts"].items()}),
    ]
    write_parts(parts, own)
    return {title: round(one.summary("dice", POLICY, bleeding_only=True).mean, 4) for title, one in ordered.items()}


def _tell_segmentation(scores: Mapping[str, VolumeScores], measured_on: str) -> Part:
    tables, told = [], []
    for group, bleeding_only in _VIEWS:
        ours = {title: _cells(one, bleeding_only=bleeding_only) for title, one in scores.items()}
        counts = [int(one.bleeds.sum()) if bleeding_only else len(one.bleeds) for one in scores.values()]
        what = "volumes that bleed" if bleeding_only else "volumes"
        notes = (
            f"percent, mean ± standard deviation over {counts[0]} {what}; published: {group}",
            "policy epsilon-one: each ratio with 1 added above and below, so that an empty volume without a "
            "prediction counts 100 and the recall of every empty volume is 100",
            "ICM: cut to the intracranial cavity mask; the paper does not say whether its transfer rows are, ours are "
            "not",
        )
        title = f"Table 3: segmentation of {what}"
        tables.append(compare_with_published(title, segmentation_by_volume_cells(group), ours, measured_on, notes))
        published = {name: segmentation_by_volume("dice", name, group).mean for name in scores}
        here = {name: one.summary("dice", POLICY, bleeding_only=bleeding_only).mean for name, one in scores.items()}
        told.append(f"Dice over {what}. {compare_orders(published, here, measured_on)}")
    return Part("Segmentation with all masks", tuple(told), tuple(tables))


def _cells(one: VolumeScores, *, bleeding_only: bool) -> dict[str, str]:
    found = {name: one.summary(name, POLICY, bleeding_only=bleeding_only) for name in VOLUME_MEASURES}
    return {name: with_spread(100 * summary.mean, 100 * summary.deviation, 2) for name, summary in found.items()}


def _tell_subtypes(scores: Mapping[str, VolumeScores], measured_on: str, own: Path) -> Part:
    groups: dict[str, dict[str, list[float]]] = {"all that bleed": {}}
    for title, one in scores.items():
        dice = one.values("dice", POLICY)
        groups["all that bleed"][title] = dice[one.bleeds].tolist()
        for column, subtype in enumerate(LABELS[1:]):
            chosen = one.bleeds & one.subtypes[:, column]
            if chosen.any():
                groups.setdefault(subtype, {})[title] = dice[chosen].tolist()
    write_figure(draw_boxes(groups, "Dice", measured_on), own / "pictures" / "label-efficient-boxes.png")
    caption = f"Dice of volumes that bleed, all and by subtype (a volume may have several), {measured_on}."
    return Part("By subtype", (), (), (("label-efficient-boxes.png", caption),))


def _tell_differences(scores: Mapping[str, VolumeScores], measured_on: str, own: Path) -> Part:
    values = {title: one.values("dice", POLICY) for title, one in scores.items()}
    patients = next(iter(scores.values())).patients
    drawn = (
        ("welch", False, "Dice of all volumes: Welch's p-values, as in the paper"),
        ("sign-flip-by-patient", True, "Dice of all volumes: paired by patient, Holm"),
    )
    pictures, counts = [], []
    for test, adjust, title in drawn:
        matrix = compare_methods(values, patients, test, adjust=adjust)
        name = f"label-efficient-p-{test}.png"
        write_figure(draw_p_values(list(values), matrix, title, measured_on), own / "pictures" / name)
        pictures.append((name, f"{title}, {measured_on}."))
        counts.append(int(np.nansum(np.triu(matrix < 0.05, 1))))
    holm = int(np.nansum(np.triu(compare_methods(values, patients, "welch") < 0.05, 1)))
    pairs = len(values) * (len(values) - 1) // 2
    told = (
        f"Of {pairs} pairs of methods {counts[0]} differ at p < 0.05 by Welch's test as the paper used it (unpaired, "
        f"uncorrected), {holm} of them after Holm's correction; by the test that should be used (paired by patient, "
        f"Holm) {counts[1]} do. Measured on {measured_on}."
    )
    return Part("Which differ?", (told,), (), tuple(pictures))


def _tell_pretexts(stages: Mapping[str, list[Path]]) -> Part:
    rows = []
    for title, folders in stages.items():
        done = [read_done(folder) for folder in folders]
        told = [
            f"{name} {np.mean([one['figures'][name] for one in done]):.3f}"
            for name in done[0]["figures"]
            if name not in {"parameters", "epochs"} and all(isinstance(one["figures"].get(name), float) for one in done)
        ]
        rows.append((title, str(len(done)), f"{np.mean([one['seconds'] for one in done]):.0f}", ", ".join(told)))
    columns = ("pretext", "seeds", "training, s", "on slices that it did not train on, mean over seeds")
    return Part("Pretexts", (), (Table("What the pretexts learned", columns, tuple(rows)),))
