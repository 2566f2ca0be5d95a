"""What can be chosen about a grown phantom."""

from dataclasses import dataclass

from ichnos.errors import UsageError
from ichnos.phantoms.settings import SUBTYPES, Range


@dataclass(frozen=True)
class GrownSettings:
    """Choices for `make_grown_phantom`; ranges are (lowest, highest) of a uniform draw per scan.

    Attributes:
        slices: number of slices.
        size: pixels along each side of a slice.
        field_of_view_mm: width of the image.
        gap_mm: from a slice to the next, and its thickness.
        planes: label planes that are averaged to a slice.
        angles: views of the scanner over half a turn.
        bleed_probability: chance that the head bleeds at all.
        subtypes: which may be drawn.
    """

    slices: int = 16
    size: int = 160
    field_of_view_mm: Range = (212.0, 255.0)
    gap_mm: Range = (6.0, 9.5)
    planes: int = 3
    angles: int = 180
    bleed_probability: float = 0.6
    subtypes: tuple[str, ...] = SUBTYPES

    def __post_init__(self) -> None:
        for name, least in {"slices": 1, "size": 16, "planes": 1, "angles": 8}.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}; got {getattr(self, name)}")
        for name in ("field_of_view_mm", "gap_mm"):
            low, high = getattr(self, name)
            if not 0.0 < low <= high:
                raise UsageError(f"{name} must be (low, high) with 0 < low <= high; got ({low}, {high})")
        if not 0.0 <= self.bleed_probability <= 1.0:
            raise UsageError(f"bleed_probability must lie in [0, 1]; got {self.bleed_probability}")
        unknown = sorted(set(self.subtypes) - set(SUBTYPES))
        if unknown or not self.subtypes:
            raise UsageError(f"subtypes must be some of {', '.join(SUBTYPES)}; got {', '.join(unknown) or 'none'}")
