"""The U-Net without its last block, as an embedder of small regions: local contrastive learning.

Paper: Spahr et al. 2023 (section 2.6.1.3), after Chaitanya et al. 2020: the encoder, which is frozen and
comes from global contrastive learning, three of the four decoder blocks, and two 1 x 1 convolutions
(64 -> 128 -> 32; a ReLU between them). The grid of features has half the rows and columns of the slice.

What differs from the released code: a frozen encoder stays in eval mode, so that the running
statistics of its batch normalisation stay what they were and nothing is dropped.
"""

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ichnos.models.unet import LEVELS, UNetDecoder, UNetEncoder, UNetEncoderArguments

BLOCKS = LEVELS - 2
"""Decoder blocks of the four."""


class UNetRegionsArguments(UNetEncoderArguments):
    """What fixes the embedder; stored in a checkpoint.

    Attributes:
        outputs: numbers that describe one place.
        hidden: channels between the two convolutions of the projection.
        frozen_encoder: the encoder neither learns nor updates its statistics.
    """

    outputs: PositiveInt = 32
    hidden: PositiveInt = 128
    frozen_encoder: bool = True


class UNetRegions(nn.Module):
    """Encoder, three decoder blocks, projection of each place."""

    def __init__(self, arguments: UNetRegionsArguments) -> None:
        super().__init__()
        self.arguments = arguments
        self.encoder = UNetEncoder(arguments)
        self.decoder = UNetDecoder(arguments, BLOCKS)
        self.projection = nn.Sequential(
            nn.Conv2d(arguments.widths[1], arguments.hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(arguments.hidden, arguments.outputs, 1),
        )
        if arguments.frozen_encoder:
            self.encoder.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "UNetRegions":
        """As every module, but a frozen encoder stays in eval mode."""
        super().train(mode)
        if self.arguments.frozen_encoder:
            self.encoder.eval()
        return self

    def forward(
        self, pixels: Float[Tensor, "slices channels rows columns"]
    ) -> Float[Tensor, "slices outputs half_rows half_columns"]:
        """A vector for each place, not normalised.

        Raises:
            UsageError: rows or columns are not multiples of 16.
        """
        places: Tensor = self.projection(self.decoder(self.encoder(pixels)))
        return places


def create_unet_regions(**arguments: object) -> UNetRegions:
    """Build from plain values, as a recipe or a checkpoint holds them; unknown names are refused."""
    return UNetRegions(UNetRegionsArguments.model_validate(arguments))
