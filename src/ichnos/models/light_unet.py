"""Light U-Net, two-dimensional: the supervised baseline of the first paper.

Paper: Rasoulian et al. 2023 (section 4.3.2): four levels, two convolutions with ReLU per level, max
pooling, transposed convolutions. Written anew. Widths and kernels are told by the released code only:
24, 48, 96 and 192 channels, 3 x 3 transposed convolutions, a 3 x 3 convolution to two exclusive
outputs (no bleed, bleed), no batch normalisation: 1,204,994 parameters.

What differs: the transposed convolutions are padded such that sizes agree exactly, and the widths are
never reversed in place, which gave the released code another network in two of its five folds.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor, nn

from ichnos.models.input_size import check_input_size


class LightUNetArguments(BaseModel):
    """What fixes a light U-Net; stored in a checkpoint.

    Attributes:
        channels: input channels.
        outputs: logit images; two exclusive ones as in the paper.
        widths: channels of each level, finest first; a pooling lies between two levels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: PositiveInt = 3
    outputs: PositiveInt = 2
    widths: tuple[PositiveInt, ...] = Field(default=(24, 48, 96, 192), min_length=2)


def make_level(channels: int, width: int) -> nn.Sequential:
    """Two 3 x 3 convolutions that keep the size, each with ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class LightUNet(nn.Module):
    """Levels down, transposed convolutions and levels up, one 3 x 3 convolution to the outputs."""

    def __init__(self, arguments: LightUNetArguments) -> None:
        super().__init__()
        self.arguments = arguments
        widths = arguments.widths
        self.down = nn.ModuleList(make_level(*pair) for pair in pairwise((arguments.channels, *widths)))
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 3, stride=2, padding=1, output_padding=1)
            for coarse, fine in pairwise(reversed(widths))
        )
        self.up = nn.ModuleList(make_level(2 * width, width) for width in widths[-2::-1])
        self.output = nn.Conv2d(widths[0], arguments.outputs, 3, padding=1)

    def forward(
        self, pixels: Float[Tensor, "slices channels rows columns"]
    ) -> Float[Tensor, "slices outputs rows columns"]:
        """Logits of each pixel.

        Raises:
            UsageError: rows or columns are not multiples of 8 (of 2 to the number of poolings).
        """
        check_input_size(pixels, 1 << len(self.up), "light-unet")
        skips = [self.down[0](pixels)]
        for level in self.down[1:]:
            skips.append(level(nn.functional.max_pool2d(skips[-1], 2)))
        features = skips.pop()
        for enlarge, level in zip(self.enlarge, self.up, strict=True):
            features = level(torch.cat([skips.pop(), enlarge(features)], dim=1))
        logits: Tensor = self.output(features)
        return logits


def create_light_unet(**arguments: object) -> LightUNet:
    """Build from plain values, as a recipe or a checkpoint holds them; unknown names are refused."""
    return LightUNet(LightUNetArguments.model_validate(arguments))
