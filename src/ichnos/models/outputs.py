"""What the outputs of a classifier or segmenter stand for.

Three kinds are known: two exclusive outputs (no bleed, bleed) with a softmax, one output (bleed)
with a sigmoid, and several labels that do not exclude each other, each with a sigmoid.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ichnos.errors import UsageError
from ichnos.runtime.names import name_unknown

NO_BLEED = "no bleed"

KNOWN_LABELS = {
    1: ("bleed",),
    2: (NO_BLEED, "bleed"),
    6: ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any"),
}
"""By number of outputs: the first paper's networks. The six are in the order of the RSNA 2019 challenge."""

_ANY_BLEED = ("bleed", "any")
"""Labels that stand for a bleed of whatever kind."""


def name_outputs(count: int) -> tuple[str, ...]:
    """Labels of a network of which only the number of outputs is known.

    >>> name_outputs(2)
    ('no bleed', 'bleed')
    """
    return KNOWN_LABELS.get(count, tuple(f"output {number}" for number in range(count)))


def find_output(labels: Sequence[str], name: str) -> int:
    """Place of the output called `name`.

    Raises:
        UsageError: there is none.
    """
    if name not in labels:
        raise UsageError(name_unknown(name, labels, "output"))
    return list(labels).index(name)


def finds_bleed(labels: Sequence[str]) -> bool:
    """Whether an output stands for a bleed of whatever kind.

    >>> finds_bleed(("brain",))
    False
    """
    return any(label in _ANY_BLEED for label in labels)


def find_bleed_output(labels: Sequence[str]) -> int:
    """Place of the output that stands for a bleed of whatever kind.

    Raises:
        UsageError: there is none.
    """
    found = [number for number, label in enumerate(labels) if label in _ANY_BLEED]
    if not found:
        raise UsageError(f"no output stands for a bleed; there are: {', '.join(labels)}")
    return found[0]


def to_probabilities(
    logits: Float[Tensor, "slices outputs *pixels"], labels: Sequence[str]
) -> Float[Tensor, "slices outputs *pixels"]:
    """Softmax where labels exclude each other (the first says `no bleed`), else a sigmoid for each.

    Of a classifier each slice has one logit per output, of a segmenter each pixel.
    """
    return torch.softmax(logits, dim=1) if labels[0] == NO_BLEED else torch.sigmoid(logits)
