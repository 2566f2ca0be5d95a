"""What can be chosen about a phantom."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ichnos.errors import UsageError
from ichnos.phantoms.features import FEATURES
from ichnos.runtime.names import name_unknown

SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")
"""The five subtypes of intracranial hemorrhage, in alphabetical order."""

Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""


@dataclass(frozen=True)
class PhantomSettings:
    """Choices for `make_phantom`; ranges are (lowest, highest) of a uniform draw per scan.

    Attributes:
        slices: number of slices.
        rows: pixels from front to back.
        columns: pixels from right to left.
        field_of_view_mm: width of the image.
        gap_mm: table step from a slice to the next. Within this range the gap is chosen so that
            the slices cover the head.
        tilt_degrees: gantry tilt; the slices are sheared, the table still steps along z.
        rotation_degrees: the head is turned by up to this much about each axis.
        uneven_probability: chance that gaps are smaller in the lower part of the stack.
        bleed_probability: chance that the head bleeds at all; where slices are few, a bleed may
            lie between them and leave no voxel.
        subtypes: which subtypes may be drawn.
        distractors: whether old infarcts, fractures, calcifications, streaks and motion occur.
        noise_hu: standard deviation of the noise at mid-head.
        blur_mm: standard deviation of the in-plane blur.
        thickness_planes: how many planes are averaged over the thickness of a slice.
        features: odds of each feature of `features.FEATURES`; without any, phantoms of the first version.
    """

    slices: int = 32
    rows: int = 256
    columns: int = 256
    field_of_view_mm: Range = (215.0, 265.0)
    gap_mm: Range = (3.0, 8.0)
    tilt_degrees: Range = (0.0, 20.0)
    rotation_degrees: float = 6.0
    uneven_probability: float = 0.15
    bleed_probability: float = 0.5
    subtypes: tuple[str, ...] = SUBTYPES
    distractors: bool = True
    noise_hu: Range = (1.5, 6.5)
    blur_mm: Range = (0.4, 1.5)
    thickness_planes: int = 2
    features: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_counts(self)
        _check_ranges(self)
        for name in ("uneven_probability", "bleed_probability"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise UsageError(f"{name} must lie in [0, 1]; got {value}")
        if not 0.0 <= self.rotation_degrees <= 45.0:
            raise UsageError(f"rotation_degrees must lie in [0, 45]; got {self.rotation_degrees}")
        _check_features(self.features)
        unknown = sorted(set(self.subtypes) - set(SUBTYPES))
        if unknown or not self.subtypes:
            raise UsageError(f"subtypes must be some of {', '.join(SUBTYPES)}; got {', '.join(unknown) or 'none'}")


def _check_features(features: Mapping[str, float]) -> None:
    for name, odds in features.items():
        if name not in FEATURES:
            raise UsageError(name_unknown(name, FEATURES, "feature"))
        if not 0.0 <= odds <= 1.0:
            raise UsageError(f"odds of feature {name} must lie in [0, 1]; got {odds}")


def _check_counts(settings: PhantomSettings) -> None:
    lowest = {"slices": 1, "rows": 16, "columns": 16, "thickness_planes": 1}
    for name, least in lowest.items():
        value = getattr(settings, name)
        if value < least:
            raise UsageError(f"{name} must be at least {least}; got {value}")


def _check_ranges(settings: PhantomSettings) -> None:
    limits: dict[str, Range] = {
        "field_of_view_mm": (50.0, 500.0),
        "gap_mm": (0.3, 20.0),
        "tilt_degrees": (-30.0, 30.0),
        "noise_hu": (0.0, 50.0),
        "blur_mm": (0.0, 10.0),
    }
    for name, (least, most) in limits.items():
        low, high = getattr(settings, name)
        if not least <= low <= high <= most:
            raise UsageError(
                f"{name} must be (low, high) with {least:g} <= low <= high <= {most:g}; got ({low}, {high})"
            )
