"""What turns maps into a mask: settings that are calibrated once and travel with the weights."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from ichnos.errors import UsageError
from ichnos.maps.settings import MapSettings, choose_settings

View = Literal["upright", "mirrored", "upside-down", "half-turn", "quarter-turn", "quarter-back"]
"""As it is; mirrored left to right, or front to back; turned by 180, 90 or -90 degrees."""

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class SegmentationSettings(BaseModel):
    """From what a network says to a mask.

    The map of a classifier is made by one of `maps.methods.METHODS`; that of a segmentation network is the
    probability of each voxel. The first three settings are for classifiers, the next two for segmentation
    networks; all others are for both.

    Attributes:
        method: what makes the maps; a name in `maps.methods.METHODS`.
        preset: `paper`, or `reference` for what the released code does; see `maps.settings.PRESETS`.
        stages: stages of the Swin whose maps are multiplied (HGI-SAM, Eq. 2; Swin-SAM took all four).
        minimum_pixels: a slice bleeds from so many foreground pixels of the model grid on (Rasoulian et al.
            2023, 4.4: "less than 10 pixels" are left out). Its probability is the highest threshold at
            which it still has as many.
        shown_as: ways in which a segmentation network is shown each slice; its answers, turned back, are averaged.
            Ours: what depends on where a head's front is was learned from heads that are drawn. What it gains on
            bleeds painted into a real scan is printed by `benchmarks/views.py`.
        probability_gate: slices whose bleed probability is below are left empty. Needed because a
            map of a classifier is normalised per slice: without a gate every slice, healthy or not, has
            a mask. A segmentation network needs none: 0.
        binarisation: `fixed` for `map_threshold`; `otsu` or `k-means` for a threshold from each slice's own
            map, as the predecessor of the first paper compared them.
        map_threshold: voxels whose map value is at least this are bleed; calibrated.
        within_brain: whether bleed is looked for in the intracranial cavity only. The second paper shows
            its segmentation networks with and without (Spahr et al. 2023, table 3, ICM); the first multiplies
            maps of classifiers with it and leaves segmentation networks alone.
        brain_mask: how the intracranial cavity is found; a name in `brain_masks.METHODS`, or the path of a mask.
        bleed_hu: range that lightly smoothed blood lies in; None to leave HU out. Ours, not the
            paper's: its predecessor multiplied the map with the brain window instead.
        bleed_contrast_hu: how much denser lightly smoothed blood is than the 30th percentile of the
            brain in its slice, which beam hardening lifts at base and vertex; within 4 mm of bone, twice
            as much, and layers that hardly reach farther are left out. None to ask nothing of this.
        dense_share: of a piece that a segmentation network finds at `map_threshold`, at least this share must be
            as dense as `bleed_hu` and `bleed_contrast_hu` ask, or all of it is left out; the rest keeps the
            network's outline, clefts of pale blood included. None to ask it of each voxel. Ours: it leaves out
            the bright rim under the skull, which thin subdural blood looks like.
        minimum_ml: smaller pieces are removed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "hgi-sam"
    preset: str = "paper"
    stages: tuple[PositiveInt, ...] = (1, 2, 3)
    minimum_pixels: PositiveInt = 10
    shown_as: tuple[View, ...] = Field(default=("upright",), min_length=1)
    probability_gate: Fraction = 0.5
    binarisation: Literal["fixed", "otsu", "k-means"] = "fixed"
    map_threshold: Fraction = 0.1
    within_brain: bool = True
    brain_mask: str = "auto"
    bleed_hu: tuple[float, float] | None = None
    bleed_contrast_hu: float | None = None
    dense_share: Fraction | None = None
    minimum_ml: float = Field(default=0.0, ge=0.0)

    @model_validator(mode="after")
    def _check_method(self) -> "SegmentationSettings":
        try:
            choose_settings(self.method, self.preset)
        except UsageError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def map_settings(self) -> MapSettings:
        """How the maps are made."""
        chosen = choose_settings(self.method, self.preset)
        return chosen.model_copy(update={"stages": self.stages}) if self.method in _FUSE_STAGES else chosen


_FUSE_STAGES = ("hgi-sam", "swin-sam")
"""Methods that read `stages`."""

PRESETS = {
    "paper": SegmentationSettings(map_threshold=0.06),
    "reference": SegmentationSettings(preset="reference", map_threshold=0.05),
    "segmentation-network": SegmentationSettings(probability_gate=0.0, map_threshold=0.5),
}
"""`paper` and `reference` for the classifiers of the first paper: 0.06 is the mean over its folds (4.2.2), 0.05
stands in the released code. `segmentation-network`: probabilities cut at one half, as both papers do with their
U-Nets; nothing else is asked."""
