"""The sizes of input that a network with poolings can take."""

from jaxtyping import Float
from torch import Tensor

from ichnos.errors import UsageError


def check_input_size(pixels: Float[Tensor, "slices channels rows columns"], multiple: int, name: str) -> None:
    """Refuse slices whose sides are not multiples of `multiple`, which each pooling halves.

    Raises:
        UsageError: a side does not divide; the message names the next sizes that do.
    """
    rows, columns = pixels.shape[2:]
    if rows % multiple or columns % multiple or not rows or not columns:
        fitting = " x ".join(str(max(1, -(-side // multiple)) * multiple) for side in (rows, columns))
        raise UsageError(
            f"network {name!r} takes sides that are multiples of {multiple}; the slices have {rows} x {columns} "
            f"pixels: set the image size to {fitting}"
        )
