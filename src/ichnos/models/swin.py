"""Swin transformer classifier: slices in, logits per label out.

Paper: Liu et al. 2021, "Swin Transformer"; used on head CT by Rasoulian et al. 2023 (section 3,
Swin-B at 384 pixels). The network itself is Hugging Face transformers' (Apache-2.0); this file
only wires it. Two outputs (no bleed, bleed) are the first paper's HGI-SAM classifier.
"""

from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator
from torch import Tensor, nn


class SwinArguments(BaseModel):
    """What fixes a Swin classifier; stored in a checkpoint.

    Attributes:
        image_size: rows and columns of the input, pixels.
        tile_size: side of a local attention window, tokens (Swin calls it window).
        depths: blocks in each stage; even, so that plain and shifted blocks pair up.
        attn_heads: attention heads in each stage.
        embed_dim: channels in the first stage; doubled in each next one.
        patch_size: side of one token in the first stage, pixels.
        channels: input channels.
        outputs: logits.
        drop_path: highest rate of skipped blocks while training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_size: PositiveInt
    tile_size: PositiveInt
    depths: tuple[PositiveInt, ...]
    attn_heads: tuple[PositiveInt, ...]
    embed_dim: PositiveInt
    patch_size: PositiveInt = 4
    channels: PositiveInt = 3
    outputs: PositiveInt = 2
    drop_path: float = Field(default=0.1, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _check_stages(self) -> "SwinArguments":
        stages = len(self.depths)
        if not stages or stages != len(self.attn_heads):
            raise ValueError(f"depths and attn_heads name {stages} and {len(self.attn_heads)} stages; they must agree")
        for stage, attn_heads in enumerate(self.attn_heads):
            width = self.embed_dim << stage
            if width % attn_heads:
                raise ValueError(
                    f"stage {stage + 1} has {width} channels, not a multiple of its {attn_heads} attn_heads"
                )
        tokens = self.image_size // self.patch_size >> (stages - 1)
        if tokens < self.tile_size:
            raise ValueError(f"stage {stages} has {tokens} x {tokens} tokens, less than one tile of {self.tile_size}")
        return self


class SwinClassifier(nn.Module):
    """Swin with mean pooling and one linear classifier."""

    def __init__(self, arguments: SwinArguments) -> None:
        from transformers import SwinConfig, SwinForImageClassification  # loads for seconds

        super().__init__()
        self.arguments = arguments
        self.transformer = SwinForImageClassification(
            SwinConfig(  # type: ignore[call-arg]  # it takes more than it declares
                image_size=arguments.image_size,
                window_size=arguments.tile_size,
                depths=list(arguments.depths),
                num_heads=list(arguments.attn_heads),
                embed_dim=arguments.embed_dim,
                patch_size=arguments.patch_size,
                num_channels=arguments.channels,
                num_labels=arguments.outputs,
                drop_path_rate=arguments.drop_path,
            )
        )

    def forward(self, pixels: Float[Tensor, "slices channels rows columns"]) -> Float[Tensor, "slices outputs"]:
        """Logits of each slice; `pixels` are standardised as the preprocessing recipe says."""
        logits: Tensor = self.transformer(pixels).logits
        return logits


def create_swin(**arguments: object) -> SwinClassifier:
    """Build from plain values, as a recipe or a checkpoint holds them; unknown names are refused."""
    return SwinClassifier(SwinArguments.model_validate(arguments))
