"""What one network learned, moved into another by the names of its tensors.

Nothing is frozen: all that was moved goes on learning, as in Spahr et al. 2023 (section 2.6). The
released code copies whatever has an equal name; here the caller says which parts, and gets told what
moved, what stayed, and what was left behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ichnos.errors import UsageError
from ichnos.runtime.names import suggest_name


@dataclass(frozen=True)
class Transfer:
    """What a transfer did, as names of tensors (parameters and running statistics), in their order.

    Attributes:
        moved: copied from the source.
        kept: tensors of the target that stayed what they were.
        unused: tensors of the source that were not copied.
    """

    moved: tuple[str, ...]
    kept: tuple[str, ...]
    unused: tuple[str, ...]


def transfer(source: nn.Module, target: nn.Module, parts: Sequence[str]) -> Transfer:
    """Copy the tensors of the named parts from `source` into `target`.

    Args:
        source: for one from a checkpoint folder, `load_checkpoint(folder).model`.
        target: changed in place; not at all if the transfer is refused.
        parts: beginnings of names, whole words between dots: `encoder`, `decoder.blocks.0`. A tensor
            moves if it lies in one of them and both networks have it.

    Raises:
        UsageError: a part of which both networks share no tensor, or a tensor of another shape.
    """
    old, new = source.state_dict(), target.state_dict()
    moved = tuple(name for name in old if name in new and any(_lies_in(name, part) for part in parts))
    for part in parts:
        _check_part(part, old, moved)
    for name in moved:
        _check_shape(name, old[name], new[name])
    with torch.no_grad():
        for name in moved:
            new[name].copy_(old[name])  # a state dict shares its tensors with its network
    return Transfer(
        moved=moved,
        kept=tuple(name for name in new if name not in moved),
        unused=tuple(name for name in old if name not in moved),
    )


def _lies_in(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _check_part(part: str, old: dict[str, Tensor], moved: Sequence[str]) -> None:
    if any(_lies_in(name, part) for name in moved):
        return
    known = dict.fromkeys(name.partition(".")[0] for name in old)
    hint = suggest_name(part, known)
    raise UsageError(f"both networks share no tensor of a part {part!r}; {hint}the source has: {', '.join(known)}")


def _check_shape(name: str, old: Tensor, new: Tensor) -> None:
    if old.shape != new.shape:
        found, needed = (" x ".join(map(str, tensor.shape)) for tensor in (old, new))
        raise UsageError(
            f"tensor {name!r} is {found} in the source and {needed} in the network it should move to; "
            "build both networks with the same arguments"
        )
