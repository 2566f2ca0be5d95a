"""Which of the series in a study is the head CT to read."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ichnos.errors import ModalityError, UsageError
from ichnos.scans.dicom_headers import SliceHeader
from ichnos.scans.series_traits import has_bone_kernel, has_contrast, is_derived, is_of_head, why_unusable

WIDE_SHARE = 0.5
"""A series that covers less than this share of the longest one is a part of the head only."""


@dataclass(frozen=True)
class Series:
    """Slices that share a SeriesInstanceUID, in no order."""

    headers: tuple[SliceHeader, ...]

    @property
    def first(self) -> SliceHeader:
        """A slice that can be used, if there is one: it speaks for the series."""
        return next((header for header in self.headers if why_unusable(header) is None), self.headers[0])

    @property
    def title(self) -> str:
        """How messages call it: number, description and number of slices."""
        number, description = self.first.series_number or "without number", self.first.description
        quoted = f" '{description}'" if description else ""
        return f"series {number}{quoted} ({len(self.headers)} slices)"

    @property
    def heights_mm(self) -> list[float]:
        """Positions along the body axis of the slices that have one, rounded to 0.1 mm."""
        return [round(header.position_mm[2], 1) for header in self.headers if header.position_mm]


@dataclass(frozen=True)
class Choice:
    """The slices of the series that is read.

    Attributes:
        headers: its slices, in no order.
        reason: one line on what was taken and why; None where there was nothing to choose.
        warnings: what is unusual about the series.
    """

    headers: tuple[SliceHeader, ...]
    reason: str | None
    warnings: tuple[str, ...]


PREFERENCES: dict[str, Callable[[Series], float]] = {
    "repeats slice positions": lambda series: max(Counter(series.heights_mm).values(), default=1) > 1,
    "contrast": lambda series: has_contrast(series.first),
    "derived": lambda series: is_derived(series.first),
    "not known to show the head": lambda series: {True: 0, None: 1, False: 2}[is_of_head(series.first)],
    "covers a part only": lambda series: False,
    "bone kernel": lambda series: has_bone_kernel(series.first),
    "fewer slices": lambda series: -len(series.headers),
}
"""What makes a series the worse choice, weightiest first; lower is better."""


def choose_series(headers: Sequence[SliceHeader], *, wanted: str | None, where: str) -> Choice:
    """Pick the axial, non-contrast, original head series in a soft kernel with most slices.

    Args:
        headers: of all slices found.
        wanted: SeriesInstanceUID or SeriesNumber that overrides the preferences.
        where: how messages call the input.

    Raises:
        UsageError: `wanted` is not there.
        ModalityError: no series is an axial CT.
    """
    found = _wanted_only(_group(headers), wanted, where)
    left_out = [(series.title, why) for series in found if (why := why_unusable(series.first))]
    usable = [series for series in found if why_unusable(series.first) is None]
    if not usable:
        reasons = "; ".join(f"{title}: {why}" for title, why in left_out)
        raise ModalityError(f"{where}: no axial CT among the images ({reasons}); give a head CT")
    costs = _costs(usable)
    first, *rest = sorted(range(len(usable)), key=lambda index: costs[index])
    best = usable[first]
    losers = [(usable[index].title, _why_worse(costs[first], costs[index])) for index in rest]
    return Choice(
        headers=best.headers,
        reason=_explain(best, losers + left_out, wanted),
        warnings=(f"{best.title} seems to be contrast-enhanced",) if has_contrast(best.first) else (),
    )


def _group(headers: Sequence[SliceHeader]) -> list[Series]:
    groups = defaultdict(list)
    for header in headers:
        groups[header.series_uid].append(header)
    ordered = sorted(groups.items(), key=lambda item: (item[1][0].series_number.zfill(12), item[0]))
    return [Series(tuple(group)) for _, group in ordered]


def _wanted_only(found: list[Series], wanted: str | None, where: str) -> list[Series]:
    if wanted is None:
        return found
    fitting = [one for one in found if wanted in {one.first.series_uid, one.first.series_number}]
    if not fitting:
        titles = ", ".join(f"{one.title} {one.first.series_uid}" for one in found)
        raise UsageError(f"{where}: no series '{wanted}'; it holds {titles}")
    return fitting


def _costs(usable: list[Series]) -> list[tuple[float, ...]]:
    extents_mm = [float(np.ptp(series.heights_mm or [0.0])) for series in usable]
    widest_mm = max(extents_mm)
    costs = []
    for series, extent_mm in zip(usable, extents_mm, strict=True):
        cost = {why: float(measure(series)) for why, measure in PREFERENCES.items()}
        cost["covers a part only"] = float(extent_mm < WIDE_SHARE * widest_mm)
        costs.append(tuple(cost.values()))
    return costs


def _why_worse(best: tuple[float, ...], other: tuple[float, ...]) -> str:
    differing = (why for why, mine, its in zip(PREFERENCES, best, other, strict=True) if mine != its)
    return next(differing, "equal, but numbered later")


def _explain(best: Series, others: list[tuple[str, str]], wanted: str | None) -> str | None:
    if wanted is not None:
        return f"took {best.title}, as asked for"
    if not others:
        return None
    return f"took {best.title}; not " + ", not ".join(f"{title}: {why}" for title, why in others)
