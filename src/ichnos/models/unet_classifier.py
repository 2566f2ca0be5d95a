"""The U-Net's encoder as a classifier of slices: what a U-Net learns before it sees a mask.

Paper: Spahr et al. 2023 (section 2.6): the encoder, average pooling, and a small perceptron. Its
widths by pretext task: 512-1024-256-2 (binary), 512-1024-256-7 (several labels), and 512-512-128 for
the projection of global contrastive learning, whose "logits" are a vector to compare. Between its
linear layers we put ReLU; the paper does not say what stands there.

The encoder's names in the state dict are those of `unet`, so that `encoder.` can be transferred.
"""

from itertools import pairwise

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ichnos.models.unet import UNetEncoder, UNetEncoderArguments


class UNetClassifierArguments(UNetEncoderArguments):
    """What fixes the classifier; stored in a checkpoint.

    Attributes:
        outputs: logits.
        hidden: widths of the layers between the pooled features and the logits.
    """

    outputs: PositiveInt = 2
    hidden: tuple[PositiveInt, ...] = (1024, 256)


class UNetClassifier(nn.Module):
    """Encoder, average over the slice, perceptron."""

    def __init__(self, arguments: UNetClassifierArguments) -> None:
        super().__init__()
        self.arguments = arguments
        self.encoder = UNetEncoder(arguments)
        widths = (arguments.widths[-1], *arguments.hidden, arguments.outputs)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
        self.classifier = nn.Sequential(*layers[:-1])

    def pool(self, pixels: Float[Tensor, "slices channels rows columns"]) -> Float[Tensor, "slices features"]:
        """The bottleneck averaged over the slice: 512 numbers, which the paper's figure 5 shows.

        Raises:
            UsageError: rows or columns are not multiples of 16.
        """
        bottleneck: Tensor = self.encoder(pixels)[-1]
        return bottleneck.mean(dim=(2, 3))

    def forward(self, pixels: Float[Tensor, "slices channels rows columns"]) -> Float[Tensor, "slices outputs"]:
        """Logits of each slice, or its projection.

        Raises:
            UsageError: rows or columns are not multiples of 16.
        """
        logits: Tensor = self.classifier(self.pool(pixels))
        return logits


def create_unet_classifier(**arguments: object) -> UNetClassifier:
    """Build from plain values, as a recipe or a checkpoint holds them; unknown names are refused."""
    return UNetClassifier(UNetClassifierArguments.model_validate(arguments))
