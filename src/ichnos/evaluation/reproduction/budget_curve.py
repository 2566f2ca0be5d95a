"""Dice against the number of masks that a method learned from: what a pretext is worth where masks are few."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ichnos.evaluation.bootstrap import bootstrap_mean
from ichnos.evaluation.figures import Interval, draw_budget_curve, write_figure
from ichnos.evaluation.reproduction.content import Part, write_parts
from ichnos.evaluation.reproduction.traces import read_traces
from ichnos.evaluation.reproduction.volume_scores import score_volumes
from ichnos.evaluation.significance import compare_pair, holm
from ichnos.evaluation.tables import Table

POLICY = "excluded"
"""Volumes without blood are left out; a missed bleed counts 0."""


def draw_curve(own: Path, needs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """`parts.json`, `tables/`, `pictures/`: a line for each method, a point for each budget."""
    dice: dict[str, dict[int, Float[np.ndarray, "seeds volumes"]]] = {}
    patients: Int[np.ndarray, " volumes"] = np.empty(0, int)
    for method, sizes in settings["traces"].items():
        dice[method] = {}
        for size, stages in sizes.items():
            found = [score_volumes(read_traces(needs[stage]), "everywhere") for stage in stages]
            patients = found[0].patients[found[0].bleeds]
            dice[method][int(size)] = np.stack([one.values("dice", POLICY, bleeding_only=True) for one in found])
    curves = {
        method: {size: find_interval(values, patients) for size, values in sizes.items()}
        for method, sizes in dice.items()
    }
    measured_on = settings["measured_on"]
    figure = draw_budget_curve(curves, "mean volume Dice", measured_on)
    write_figure(figure, own / "pictures" / "label-efficient-budgets.png")
    part = _tell(dice, curves, patients, settings)
    write_parts([part], own)
    return {
        method: {str(size): round(point.value, 4) for size, point in sizes.items()} for method, sizes in curves.items()
    }


def find_interval(dice: Float[np.ndarray, "seeds volumes"], patients: Int[np.ndarray, " volumes"]) -> Interval:
    """Mean over seeds and volumes, with its 95 % interval by patient; all seeds of a patient are drawn together."""
    values, clusters = dice.ravel(), np.tile(patients, len(dice))
    interval = bootstrap_mean(values, clusters, seed=0)
    return Interval(interval.value, interval.low, interval.high)


def _tell(
    dice: Mapping[str, Mapping[int, Float[np.ndarray, "seeds volumes"]]],
    curves: Mapping[str, Mapping[int, Interval]],
    patients: Int[np.ndarray, " volumes"],
    settings: Mapping[str, Any],
) -> Part:
    measured_on, baseline = settings["measured_on"], settings["baseline"]
    sizes = sorted(next(iter(dice.values())))
    seeds = len(next(iter(next(iter(dice.values())).values())))
    rows = [
        (method, *(f"{_say(point)}; {_over_seeds(dice[method][size])}" for size, point in sorted(points.items())))
        for method, points in curves.items()
    ]
    note = (
        f"mean over {seeds} seeds and {dice[baseline][sizes[0]].shape[1]} test volumes that bleed of {measured_on} "
        "(95 % interval by patient); SD of the seeds' means",
        "a seed draws the masks, the pretext's weights and the order of training; a budget holds the smaller ones, and "
        "as many healthy scans come with it",
        "intervals and p-values are over patients, for these seeds: which masks were drawn can matter more than a "
        "pretext does, as the SD of the seeds shows",
    )
    table = Table(
        f"Dice by number of masks, {measured_on}",
        ("begins with", *(f"{size} masks" for size in sizes)),
        tuple(rows),
        note,
    )
    caption = f"Dice against the number of scans with a mask, {measured_on}; bars: 95 % intervals by patient."
    return Part(
        "How many masks?",
        (),
        (table, _compare(dice, patients, settings)),
        (("label-efficient-budgets.png", caption),),
    )


def _compare(
    dice: Mapping[str, Mapping[int, Float[np.ndarray, "seeds volumes"]]],
    patients: Int[np.ndarray, " volumes"],
    settings: Mapping[str, Any],
) -> Table:
    """Each pretext against none at each budget, paired by patient on means over seeds, corrected over all of them."""
    baseline = settings["baseline"]
    others = [method for method in dice if method != baseline]
    sizes = sorted(dice[baseline])
    means = {method: {size: dice[method][size].mean(axis=0) for size in sizes} for method in dice}
    pairs = [(method, size) for method in others for size in sizes]
    p_values = holm(
        [
            compare_pair(means[method][size], means[baseline][size], patients, "sign-flip-by-patient").p_value
            for method, size in pairs
        ]
    )
    found = dict(zip(pairs, p_values, strict=True))
    rows = [
        (
            method,
            *(
                f"{(means[method][size] - means[baseline][size]).mean():+.3f} (p {found[method, size]:.2g})"
                for size in sizes
            ),
        )
        for method in others
    ]
    note = "difference of Dice, means over seeds; p: sign flips by patient, Holm's correction over the whole table"
    title = f"Gain over {baseline}, {settings['measured_on']}"
    return Table(title, ("begins with", *(f"{size} masks" for size in sizes)), tuple(rows), (note,))


def _say(point: Interval) -> str:
    return f"{point.value:.3f} ({point.low:.3f} to {point.high:.3f})"


def _over_seeds(values: Float[np.ndarray, "seeds volumes"]) -> str:
    means = values.mean(axis=1)
    return f"SD {means.std(ddof=1):.3f}" if len(means) > 1 else "one seed"
