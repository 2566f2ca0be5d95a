"""What turns maps into a mask: settings that are calibrated once and travel with the weights."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class SegmentationSettings(BaseModel):
    """From classifier and maps to a mask.

    Attributes:
        stages: stages of the Swin whose maps are multiplied (HGI-SAM, Eq. 2).
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

    stages: tuple[PositiveInt, ...] = (1, 2, 3)
    probability_gate: Fraction = 0.5
    map_threshold: Fraction = 0.1
    bleed_hu: tuple[float, float] | None = None
    bleed_contrast_hu: float | None = None
    minimum_ml: float = Field(default=0.0, ge=0.0)
