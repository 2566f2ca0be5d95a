"""U-Net, two-dimensional: slices in, a logit image per output out.

Paper: Ronneberger et al. 2015, "U-Net"; in the form of Spahr et al. 2023, "Label-efficient deep
semantic segmentation of intracranial hemorrhages in CT-scans" (section 2.3): five encoder blocks of
32 to 512 channels, batch normalisation, 2 x 2 transposed convolutions, 5,409,089 parameters. Written
anew from that description.

Two things of the released code that the paper does not tell are arguments here: wider blocks
(`middle_factor` 1, 7,765,409 parameters) and dropout of the encoder's features. Ours are the paper's.

Names in the state dict are stable, since pretrained parts are transferred by them: `encoder.`,
`decoder.blocks.0.` (the coarsest) to `decoder.blocks.3.`, and `output.`.
"""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn

from ichnos.models.input_size import check_input_size

LEVELS = 5
"""Encoder blocks; the first keeps the size of the slice, each next one halves it."""

MULTIPLE = 1 << (LEVELS - 1)
"""Sides of a slice must be multiples of this, pixels."""


class UNetEncoderArguments(BaseModel):
    """What fixes the encoder of a U-Net; shared by all networks that it is transferred between.

    Attributes:
        channels: input channels.
        width: channels of the first block; doubled in each next one.
        middle_factor: by what the first convolution of an encoder block is narrower than the second:
            2 as in the paper (32 -> 32 -> 64), 1 as in the released code (32 -> 64 -> 64).
        dropout: rate of dropped features after each encoder block, skip connections included; the
            paper tells of none, most of the released settings have 0.5.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: PositiveInt = 1
    width: PositiveInt = Field(default=32, multiple_of=2)
    middle_factor: Literal[1, 2] = 2
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each encoder block, finest first."""
        return tuple(self.width << level for level in range(LEVELS))


class UNetArguments(UNetEncoderArguments):
    """What fixes a U-Net; stored in a checkpoint.

    Attributes:
        outputs: logit images; one for bleed or not.
    """

    outputs: PositiveInt = 1


def make_block(channels: int, middle: int, width: int) -> nn.Sequential:
    """Two 3 x 3 convolutions that keep the size, each with batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, middle, 3, padding=1),
        nn.BatchNorm2d(middle),
        nn.ReLU(inplace=True),
        nn.Conv2d(middle, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )


class UNetEncoder(nn.Module):
    """The contracting half: five blocks with poolings between them."""

    def __init__(self, arguments: UNetEncoderArguments) -> None:
        super().__init__()
        widths = arguments.widths
        self.blocks = nn.ModuleList(
            make_block(channels, width // arguments.middle_factor, width)
            for channels, width in zip((arguments.channels, *widths[:-1]), widths, strict=True)
        )
        self.dropout = nn.Dropout(arguments.dropout)

    def forward(self, pixels: Float[Tensor, "slices channels rows columns"]) -> list[Tensor]:
        """Features of each block, finest first: `slices, width * 2**level, rows / 2**level, columns / 2**level`.

        Raises:
            UsageError: rows or columns are not multiples of 16.
        """
        check_input_size(pixels, MULTIPLE, "unet")
        features = [self.dropout(self.blocks[0](pixels))]
        for block in self.blocks[1:]:
            features.append(self.dropout(block(nn.functional.max_pool2d(features[-1], 2))))
        return features


class UNetDecoderBlock(nn.Module):
    """Twice the size, half the channels, joined with the encoder's features of that size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.block = make_block(2 * width, width, width)

    def forward(
        self,
        coarse: Float[Tensor, "slices double_width half_rows half_columns"],
        skip: Float[Tensor, "slices width rows columns"],
    ) -> Float[Tensor, "slices width rows columns"]:
        """Features at the size of `skip`."""
        features: Tensor = self.block(torch.cat([skip, self.up(coarse)], dim=1))
        return features


class UNetDecoder(nn.Module):
    """The expanding half, or its first blocks.

    Args:
        arguments: of the encoder that it follows.
        blocks: how many of the four blocks, coarsest first.
    """

    def __init__(self, arguments: UNetEncoderArguments, blocks: int = LEVELS - 1) -> None:
        super().__init__()
        assert 1 <= blocks < LEVELS
        self.blocks = nn.ModuleList(UNetDecoderBlock(width) for width in arguments.widths[-2::-1][:blocks])

    def forward(self, features: list[Tensor]) -> Tensor:
        """Features after the last block: `slices, width * 2**left, rows / 2**left, columns / 2**left`.

        `left` is the number of blocks that this decoder lacks of four.
        """
        decoded = features[-1]
        for block, skip in zip(self.blocks, features[-2::-1], strict=False):
            decoded = block(decoded, skip)
        return decoded


class UNet(nn.Module):
    """Encoder, decoder and one 1 x 1 convolution to the outputs."""

    def __init__(self, arguments: UNetArguments) -> None:
        super().__init__()
        self.arguments = arguments
        self.encoder = UNetEncoder(arguments)
        self.decoder = UNetDecoder(arguments)
        self.output = nn.Conv2d(arguments.width, arguments.outputs, 1)

    def forward(
        self, pixels: Float[Tensor, "slices channels rows columns"]
    ) -> Float[Tensor, "slices outputs rows columns"]:
        """Logits of each pixel; without the sigmoid that the paper's network ends with.

        Raises:
            UsageError: rows or columns are not multiples of 16.
        """
        logits: Tensor = self.output(self.decoder(self.encoder(pixels)))
        return logits


def create_unet(**arguments: object) -> UNet:
    """Build from plain values, as a recipe or a checkpoint holds them; unknown names are refused."""
    return UNet(UNetArguments.model_validate(arguments))
