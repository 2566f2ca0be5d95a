"""Swin-UNETR, two-dimensional and light: the transformer baseline of the first paper.

Paper: Hatamizadeh et al. 2022, "Swin UNETR"; in the form of Rasoulian et al. 2023 (section 4.3.3): four
levels, 12 features, 2, 4, 8 and 16 attention heads; two blocks per level as its code has. The network
itself is MONAI's (Apache-2.0); this file only wires it. MONAI takes seconds to load, so it is loaded
when a network is built.
"""

from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator
from torch import Tensor, nn

from ichnos.errors import UsageError
from ichnos.models.input_size import check_input_size

MULTIPLE = 32
"""Sides of a slice must be multiples of this, pixels: patches of 2, then four mergings."""


class SwinUNETRArguments(BaseModel):
    """What fixes a Swin-UNETR; stored in a checkpoint.

    Attributes:
        channels: input channels.
        outputs: logit images; two exclusive ones as in the paper.
        feature_size: channels of the first level, a multiple of 12; doubled in each next one.
        depths: blocks in each of the four levels; even, so that plain and shifted blocks pair up.
        attn_heads: attention heads in each of the four levels.
        tile_size: side of a local attention window, tokens (Swin calls it window).
        drop_path: highest rate of skipped blocks while training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: PositiveInt = 3
    outputs: PositiveInt = 2
    feature_size: PositiveInt = Field(default=12, multiple_of=12)
    depths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (2, 2, 2, 2)
    attn_heads: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] = (2, 4, 8, 16)
    tile_size: PositiveInt = 7
    drop_path: float = Field(default=0.0, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _check_attn_heads(self) -> "SwinUNETRArguments":
        for stage, attn_heads in enumerate(self.attn_heads):
            width = self.feature_size << stage
            if width % attn_heads:
                raise ValueError(
                    f"level {stage + 1} has {width} features, not a multiple of its {attn_heads} attn_heads"
                )
        return self


class SwinUNETR(nn.Module):
    """MONAI's network under our names."""

    def __init__(self, arguments: SwinUNETRArguments) -> None:
        from monai.networks.nets.swin_unetr import SwinUNETR as MonaiSwinUNETR  # loads for seconds

        super().__init__()
        self.arguments = arguments
        self.network = MonaiSwinUNETR(
            in_channels=arguments.channels,
            out_channels=arguments.outputs,
            feature_size=arguments.feature_size,
            depths=arguments.depths,
            num_heads=arguments.attn_heads,
            window_size=arguments.tile_size,
            dropout_path_rate=arguments.drop_path,
            spatial_dims=2,
        )

    def forward(
        self, pixels: Float[Tensor, "slices channels rows columns"]
    ) -> Float[Tensor, "slices outputs rows columns"]:
        """Logits of each pixel.

        Raises:
            UsageError: rows or columns are not multiples of 32, or both are 32: its instance
                normalisation needs more than one place at the coarsest level.
        """
        check_input_size(pixels, MULTIPLE, "swin-unetr")
        if pixels.shape[2] == pixels.shape[3] == MULTIPLE:
            raise UsageError(
                "network 'swin-unetr' takes slices of more than 32 x 32 pixels: set the image size to 64 x 64"
            )
        logits: Tensor = self.network(pixels)
        return logits


def create_swin_unetr(**arguments: object) -> SwinUNETR:
    """Build from plain values, as a recipe or a checkpoint holds them; unknown names are refused."""
    return SwinUNETR(SwinUNETRArguments.model_validate(arguments))
