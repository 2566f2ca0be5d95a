"""Two sets of predictions on the same cases: differences, tests, effect sizes, corrected for many measures.

Read the test by patient; the others stand beside it because the papers used them (paired t: Rasoulian et al.
2023; Welch: Spahr et al. 2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from ichnos.errors import UsageError
from ichnos.evaluation.bootstrap import bootstrap_mean
from ichnos.evaluation.effect_size import cohen_d_z, rank_biserial
from ichnos.evaluation.measures import Item, choose_items, list_items, measure_all
from ichnos.evaluation.protocols import Protocol, View
from ichnos.evaluation.score import Scores
from ichnos.evaluation.significance import TESTS, compare_pair, holm
from ichnos.evaluation.summarise import SEED
from ichnos.evaluation.tables import Table
from ichnos.metrics.empty_policy import choose_policy


@dataclass(frozen=True)
class Difference:
    """First minus second in one measure.

    Attributes:
        measure: name in `measures.MEASURES`.
        view: which items entered.
        first: mean of the first over the items that both have.
        second: mean of the second.
        low: lower end of the 95 % interval of the mean difference, by patient; NaN below two patients.
        high: upper end.
        items: that both have.
        patients: of these items.
        left_out: items that the policy leaves out of one or both.
        p_values: by test, as it comes.
        adjusted: by test, Holm's correction over all measures of this view.
        d_z: Cohen's, of paired differences.
        rank_biserial: matched pairs.
    """

    measure: str
    view: View
    first: float
    second: float
    low: float
    high: float
    items: int
    patients: int
    left_out: int
    p_values: dict[str, float]
    adjusted: dict[str, float]
    d_z: float
    rank_biserial: float


def compare_scores(
    first: Scores, second: Scores, protocol: Protocol, policy: str | None = None
) -> tuple[Difference, ...]:
    """Paired comparison under a protocol.

    Raises:
        UsageError: the two were not scored on the same cases with the same labels, or on less than two items.
    """
    chosen = policy or protocol.policy
    choose_policy(chosen)
    _check_same_cases(first, second)
    sides = [list_items(scores.with_masks, protocol, {}) for scores in (first, second)]
    differences: list[Difference] = []
    for view in protocol.views:
        kept = [choose_items(items, view) for items in sides]
        differences += _adjust([_compare(kept, name, view, chosen) for name in protocol.measures])
    return tuple(differences)


def tabulate_differences(
    differences: Sequence[Difference], names: tuple[str, str], protocol: Protocol, policy: str | None
) -> Table:
    """A row for each measure and view; p-values are Holm's."""
    columns = ("measure", "items", *names, "difference", "95 % interval", "n", "patients", "left out")
    rows = [
        (
            one.measure.replace("_", " "),
            f"{one.view} {protocol.unit}s",
            *(f"{value:.3f}" for value in (one.first, one.second, one.first - one.second)),
            "-" if np.isnan(one.low) else f"{one.low:.3f} to {one.high:.3f}",
            *map(str, (one.items, one.patients, one.left_out)),
            *(f"{one.adjusted[test]:.4g}" for test in TESTS),
            *(f"{value:.2f}" for value in (one.d_z, one.rank_biserial)),
        )
        for one in differences
    ]
    notes = (
        f"protocol {protocol.name} ({protocol.source}); empty masks: {policy or protocol.policy}",
        "p-values are adjusted by Holm over the measures of each view; read the one by patient",
    )
    headings = (*columns, *(f"p, {test}" for test in TESTS), "d_z", "rank-biserial")
    return Table(f"{names[0]} against {names[1]}", headings, tuple(rows), notes)


def _check_same_cases(first: Scores, second: Scores) -> None:
    names = [{score.case: score for score in scores.cases} for scores in (first, second)]
    for here, there, word in ((names[0], names[1], "first"), (names[1], names[0], "second")):
        alone = sorted(here.keys() - there.keys())
        if alone:
            raise UsageError(
                f"{len(alone)} case(s) were scored in the {word} set only: {', '.join(alone[:5])}; "
                "compare predictions on the same cases"
            )
    for case, score in names[0].items():
        other = names[1][case]
        if score.has_masks != other.has_masks:
            raise UsageError(f"case {case} has masks in one of the sets only; score masks in both")
        if not np.isclose(score.label_ml, other.label_ml) or len(score.slices) != len(other.slices):
            raise UsageError(f"case {case} has other labels in the two sets; score both against the same collection")


def _compare(sides: Sequence[Sequence[Item]], name: str, view: View, policy: str) -> Difference:
    values = [measure_all(items, name, policy) for items in sides]
    told = ~np.isnan(values[0]) & ~np.isnan(values[1])
    first, second = values[0][told], values[1][told]
    if len(first) < 2:
        raise UsageError(
            f"{name} over {view} items has {len(first)} item(s) in common; a comparison needs two at least"
        )
    patients = np.unique([item.patient for item in sides[0]], return_inverse=True)[1][told]
    low, high = _interval(first - second, patients)
    return Difference(
        measure=name,
        view=view,
        first=float(first.mean()),
        second=float(second.mean()),
        low=low,
        high=high,
        items=len(first),
        patients=len(set(patients.tolist())),
        left_out=int(np.count_nonzero(~told)),
        p_values={test: compare_pair(first, second, patients, test).p_value for test in TESTS},
        adjusted={},
        d_z=cohen_d_z(first - second),
        rank_biserial=rank_biserial(first - second),
    )


def _interval(differences: Float[np.ndarray, " items"], patients: Int[np.ndarray, " items"]) -> tuple[float, float]:
    if len(set(patients.tolist())) < 2:
        return float("nan"), float("nan")
    interval = bootstrap_mean(differences, patients, SEED)
    return interval.low, interval.high


def _adjust(differences: Sequence[Difference]) -> list[Difference]:
    by_test = {test: holm([one.p_values[test] for one in differences]) for test in TESTS}
    return [
        replace(one, adjusted={test: found[place] for test, found in by_test.items()})
        for place, one in enumerate(differences)
    ]
