"""What turns maps into a mask: settings that are calibrated once and travel with the weights."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from ichnos.errors import UsageError
from ichnos.maps.settings import MapSettings, choose_settings

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class SegmentationSettings(BaseModel):
    """From classifier and maps to a mask.

    Attributes:
        method: what makes the maps; a name in `maps.methods.METHODS`.
        preset: `paper`, or `reference` for what the released code does; see `maps.settings.PRESETS`.
        stages: stages of the Swin whose maps are multiplied (HGI-SAM, Eq. 2; Swin-SAM took all four).
        probability_gate: slices whose bleed probability is below are left empty. Needed because a
            map is normalised per slice: without a gate every slice, healthy or not, has a mask.
        map_threshold: voxels whose map value is at least this are bleed; calibrated.
        bleed_hu: range that lightly smoothed blood lies in; None to leave HU out. Ours, not the
            paper's: its predecessor multiplied the map with the brain window instead.
        bleed_contrast_hu: how much denser lightly smoothed blood is than the 30th percentile of the
            brain in its slice, which beam hardening lifts at base and vertex; within 4 mm of bone, twice
            as much, and layers that hardly reach farther are left out. None to ask nothing of this.
        minimum_ml: smaller pieces are removed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "hgi-sam"
    preset: str = "paper"
    stages: tuple[PositiveInt, ...] = (1, 2, 3)
    probability_gate: Fraction = 0.5
    map_threshold: Fraction = 0.1
    bleed_hu: tuple[float, float] | None = None
    bleed_contrast_hu: float | None = None
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
}
"""For networks of the first paper. 0.06 is the mean over its folds (section 4); 0.05 stands in the released code."""
