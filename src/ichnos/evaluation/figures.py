"""Figures of results, each from plain numbers; what they were measured on stands in each.

The box plots, the matrix of p-values and the embedding follow Figures 3 to 5 of Spahr et al. 2023.
Pictures are written as PNG with matplotlib's own canvas, without a display.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ichnos.runtime.files import replacing
from ichnos.runtime.provenance import RESEARCH_USE

_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#999999",
    "#8C564B",
    "#7F7F00",
)
"""Told apart by colour-blind readers as far as ten colours can be (the first eight: Okabe and Ito)."""

_GREY = "#444444"


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its interval."""

    value: float
    low: float
    high: float


def write_figure(figure: Figure, path: Path) -> None:
    """Write a PNG in one step."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130, metadata={"Software": None})


def draw_budget_curve(curves: Mapping[str, Mapping[int, Interval]], measure: str, measured_on: str) -> Figure:
    """Label-budget curve: a measure against the number of masks, with its interval, a line for each method.

    Args:
        curves: by method and number of masks; 0 masks is drawn at the left edge.
        measure: name of the vertical axis.
        measured_on: such as `phantoms`.
    """
    figure, axes = _start(measure, measured_on, size=(7.0, 4.6))
    budgets = sorted({budget for points in curves.values() for budget in points})
    places = {budget: place for place, budget in enumerate(budgets)}
    for number, (method, points) in enumerate(curves.items()):
        shown = sorted(points)
        offset = 0.012 * (number - (len(curves) - 1) / 2) * len(budgets)
        x = [places[budget] + offset for budget in shown]
        y = [points[budget].value for budget in shown]
        below = [points[budget].value - points[budget].low for budget in shown]
        above = [points[budget].high - points[budget].value for budget in shown]
        colour = _COLOURS[number % len(_COLOURS)]
        axes.errorbar(
            x, y, yerr=[below, above], color=colour, marker="o", markersize=4, capsize=2, lw=1.2, label=method
        )
    axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axes.set_xlabel("scans with a mask that the method learned from")
    axes.set_ylabel(measure)
    _legend_beside(axes)
    return figure


def draw_boxes(values: Mapping[str, Mapping[str, Sequence[float]]], measure: str, measured_on: str) -> Figure:
    """Box plots (median, quartiles, whiskers of 1.5 IQR, outliers) by group and method, with counts.

    Args:
        values: by group (`all`, subtypes) and method; groups may lack a method.
        measure: name of the vertical axis.
        measured_on: such as `phantoms`.
    """
    methods = list(dict.fromkeys(method for group in values.values() for method in group))
    figure, axes = _start(f"{measure} by subtype", measured_on, size=(2.0 + 1.5 * len(values), 4.6))
    width = 0.8 / max(1, len(methods))
    for number, method in enumerate(methods):
        shown = [(place, group[method]) for place, group in enumerate(values.values()) if len(group.get(method, ()))]
        if not shown:
            continue
        drawn = axes.boxplot(
            [list(numbers) for _, numbers in shown],
            positions=[place + (number - (len(methods) - 1) / 2) * width for place, _ in shown],
            widths=0.85 * width,
            patch_artist=True,
            manage_ticks=False,
            flierprops={"markersize": 2},
            medianprops={"color": "black"},
        )
        for box in drawn["boxes"]:
            box.set_facecolor(_COLOURS[number % len(_COLOURS)])
        drawn["boxes"][0].set_label(method)
    counts = [max((len(numbers) for numbers in group.values()), default=0) for group in values.values()]
    labels = [f"{name}\n(n = {count})" for name, count in zip(values, counts, strict=True)]
    axes.set_xticks(range(len(labels)), labels)
    axes.set_ylabel(measure)
    _legend_beside(axes)
    return figure


def draw_p_values(
    methods: Sequence[str], p_values: Float[np.ndarray, "methods methods"], test: str, measured_on: str
) -> Figure:
    """Matrix of p-values between methods; below 0.05 in bold on a darker field.

    Args:
        methods: in the order of rows and columns.
        p_values: in [0, 1]; NaN where there is nothing to compare.
        test: which test, and how it was corrected.
        measured_on: such as `phantoms`.
    """
    side = 1.6 + 0.75 * len(methods)
    figure, axes = _start(test, measured_on, size=(side + 1.0, side))
    shown = np.where(np.isnan(p_values), 1.0, p_values)
    axes.imshow(np.log10(np.clip(shown, 1e-4, 1.0)), cmap="Blues_r", vmin=-4.0, vmax=0.5)
    for row in range(len(methods)):
        for column in range(len(methods)):
            value = p_values[row, column]
            if row != column and not np.isnan(value):
                text = "<.001" if value < 0.001 else f"{value:.3f}".lstrip("0") if value < 1 else "1"
                strong = bool(value < 0.05)
                colour = "white" if value < 0.01 else "black"
                axes.text(
                    column, row, text, ha="center", va="center", fontsize=8, color=colour,
                    fontweight="bold" if strong else "normal",
                )  # fmt: skip
    axes.set_xticks(range(len(methods)), methods, rotation=40, ha="right")
    axes.set_yticks(range(len(methods)), methods)
    return figure


def draw_embeddings(
    points: Mapping[str, Float[np.ndarray, "slices 2"]],
    classes: Mapping[str, Bool[np.ndarray, " slices"]],
    measured_on: str,
) -> Figure:
    """A scatter for each method: slices of no class in grey, each class in its colour on top.

    Args:
        points: 2-D embedding by method, such as t-SNE of the pooled bottleneck.
        classes: which slices belong to a class; a slice may belong to several.
        measured_on: such as `phantoms`.
    """
    columns = min(4, len(points))
    rows = -(-len(points) // columns)
    figure = Figure(figsize=(3.0 * columns, 3.1 * rows + 0.9), layout="constrained")
    for place, (method, coordinates) in enumerate(points.items()):
        axes = figure.add_subplot(rows, columns, place + 1)
        none = ~np.any(list(classes.values()), axis=0)
        x, y = coordinates.T
        axes.scatter(x[none], y[none], s=3, color="#c8c8c8", label="no bleed" if place == 0 else None)
        for number, (name, belongs) in enumerate(classes.items()):
            label = name if place == 0 else None
            axes.scatter(x[belongs], y[belongs], s=5, color=_COLOURS[number % len(_COLOURS)], label=label)
        axes.set_title(method, fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    figure.suptitle(f"t-SNE of the bottleneck, {measured_on}", fontsize=10)
    figure.supxlabel(RESEARCH_USE, fontsize=6, color=_GREY)
    return figure


def draw_roc(
    curves: Mapping[str, tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]],
    areas: Mapping[str, float],
    measured_on: str,
) -> Figure:
    """ROC curves of slice detection with the area under each; `curves` hold (1 - specificity, sensitivity)."""
    figure, axes = _start("Detection of slices that bleed", measured_on, size=(6.4, 4.8))
    axes.plot([0, 1], [0, 1], color="#bbbbbb", lw=0.8, ls="--")
    for number, (method, (false_positive_rate, sensitivity)) in enumerate(curves.items()):
        label = f"{method}: {areas[method]:.3f}"
        axes.plot(false_positive_rate, sensitivity, color=_COLOURS[number % len(_COLOURS)], lw=1.4, label=label)
    axes.set_xlabel("1 - specificity")
    axes.set_ylabel("sensitivity")
    axes.set_aspect("equal")
    _legend_beside(axes, title="ROC-AUC")
    return figure


def draw_calibration(
    bins: Mapping[str, Sequence[tuple[float, float, int]]], errors: Mapping[str, float], measured_on: str
) -> Figure:
    """Reliability diagram: share of slices that bleed against predicted probability.

    Args:
        bins: by method, (mean probability, share that bleeds, slices) of each bin; empty ones left out.
        errors: expected calibration error by method.
        measured_on: such as `phantoms`.
    """
    figure, axes = _start("Calibration of P(bleed)", measured_on, size=(6.4, 4.8))
    axes.plot([0, 1], [0, 1], color="#bbbbbb", lw=0.8, ls="--")
    for number, (method, points) in enumerate(bins.items()):
        probability, share, count = np.asarray([point for point in points if point[2]]).reshape(-1, 3).T
        colour = _COLOURS[number % len(_COLOURS)]
        axes.plot(probability, share, color=colour, lw=1.0, label=f"{method}: {errors[method]:.3f}")
        axes.scatter(probability, share, s=8 + 40 * count / max(1.0, count.max(initial=1.0)), color=colour)
    axes.set_xlabel("predicted probability (dot size: slices)")
    axes.set_ylabel("share of slices that bleed")
    axes.set_aspect("equal")
    _legend_beside(axes, title="calibration error")
    return figure


def _start(title: str, measured_on: str, size: tuple[float, float]) -> tuple[Figure, Axes]:
    assert measured_on, "a figure must say what it was measured on"
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(f"{title}, {measured_on}", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel(RESEARCH_USE, fontsize=6, color=_GREY)
    return figure, axes


def _legend_beside(axes: Axes, title: str | None = None) -> None:
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False, title=title, title_fontsize=8)
