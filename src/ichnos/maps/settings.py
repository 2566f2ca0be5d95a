"""How a map is made: every choice of the papers, and every departure from them, by name.

Loads no torch, so that settings can be read and checked anywhere.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, PositiveInt

from ichnos.runtime.names import choose_by_name


class MapSettings(BaseModel):
    """The choices of a method; each method reads those that concern it.

    Equations and sections are those of Rasoulian et al. 2023 (HGI-SAM).

    Attributes:
        method: name in `methods.METHODS`.
        stages: 1-based stages of the transformer that are fused; None for all that it has.
        weigh_heads: scale each attention head by the norm of its gradient (Eq. 2), or take the
            plain mean over heads (Swin-SAM).
        gradient_of: take that norm at the attention `weights`, after softmax (Eq. 2), or at the
            attention `logits` before it, as the released code does.
        norm_over: one norm for each `tile`, or one for the whole `image`, which leaves no contrast
            between tiles. The paper does not say.
        pairs: `product` of the maps of a plain and a shifted block (Eq. 2), or `mean` over blocks.
        fusion: `product` of the stages' maps (section 3.2), or their `mean`.
        undo_shift: by the shift that each block `recorded`, or by half a tile for all `odd` blocks,
            as the released code does: wrong where the grid is one tile.
        min_max_over: normalise each `slice` alone, or a `batch` together, as the released code does.
        explain: the `asked` output, or the `predicted` one whatever was asked, as the released
            code's Grad-CAM does.
        layer: module whose output the CAM methods read, by its name in the network; None for the
            first norm of the last block (section 4).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    stages: tuple[PositiveInt, ...] | None = None
    weigh_heads: bool = True
    gradient_of: Literal["weights", "logits"] = "weights"
    norm_over: Literal["tile", "image"] = "tile"
    pairs: Literal["product", "mean"] = "product"
    fusion: Literal["product", "mean"] = "product"
    undo_shift: Literal["recorded", "odd"] = "recorded"
    min_max_over: Literal["slice", "batch"] = "slice"
    explain: Literal["asked", "predicted"] = "asked"
    layer: str | None = None


PRESETS: dict[str, dict[str, MapSettings]] = {
    "paper": {
        "hgi-sam": MapSettings(method="hgi-sam", stages=(1, 2, 3)),
        "swin-sam": MapSettings(method="swin-sam", weigh_heads=False),
        "grad-cam": MapSettings(method="grad-cam"),
        "grad-cam++": MapSettings(method="grad-cam++"),
        "layer-cam": MapSettings(method="layer-cam"),
        "rollout": MapSettings(method="rollout"),
    },
    "reference": {
        "hgi-sam": MapSettings(
            method="hgi-sam", stages=(1, 2, 3), gradient_of="logits", undo_shift="odd", min_max_over="batch"
        ),
        "swin-sam": MapSettings(method="swin-sam", weigh_heads=False, undo_shift="odd", min_max_over="batch"),
        "grad-cam": MapSettings(method="grad-cam", explain="predicted"),
    },
}
"""`paper`: what the papers say. `reference`: what the code that the authors released does."""


def choose_settings(method: str, preset: str = "paper") -> MapSettings:
    """Settings of a method by name.

    Raises:
        UsageError: no such preset, or no such method in it.
    """
    methods = choose_by_name(PRESETS, preset, "preset of maps")
    return choose_by_name(methods, method, f"method of the preset {preset!r}")


def fit_stages(settings: MapSettings, stages: int) -> MapSettings:
    """Leave out stages that a network with only `stages` of them lacks; all are kept if none would be left."""
    if settings.stages is None:
        return settings
    there = tuple(stage for stage in settings.stages if stage <= stages)
    return settings.model_copy(update={"stages": there}) if there else settings
