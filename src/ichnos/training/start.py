"""What a network begins with: weights of another one, moved and maybe frozen."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from ichnos.errors import UsageError
from ichnos.models.checkpoint import load_checkpoint
from ichnos.models.transfer import Transfer, transfer
from ichnos.runtime.files import write_json
from ichnos.training.recipe import Start


def start_from(model: nn.Module, start: Start, report: Path) -> Transfer:
    """Move parts of a checkpoint into `model`, and write which tensors moved.

    Where the recipe names no parts, those are moved that the checkpoint's own training was for.

    Args:
        model: changed in place.
        start: from where, and what.
        report: JSON file to write.

    Raises:
        UsageError: parts that both networks do not share, tensors of other shapes, or no parts known.
        CheckpointError: no whole checkpoint.
    """
    checkpoint = load_checkpoint(start.checkpoint)
    parts = start.parts or tuple(checkpoint.training.get("trained_parts", ()))
    if not parts:
        known = dict.fromkeys(name.partition(".")[0] for name in checkpoint.model.state_dict())
        raise UsageError(f"{start.checkpoint} does not say what to take over; set start.parts, of: {', '.join(known)}")
    moved = transfer(checkpoint.model, model, parts)
    write_json(report, {"checkpoint": str(start.checkpoint), "parts": list(parts), **asdict(moved)})
    if start.freeze:
        set_frozen(model, moved.moved, frozen=True)
    return moved


def set_frozen(model: nn.Module, names: tuple[str, ...], *, frozen: bool) -> None:
    """Freeze or thaw parameters by name; names of running statistics are passed over."""
    parameters: dict[str, Any] = dict(model.named_parameters())
    for name in names:
        if name in parameters:
            parameters[name].requires_grad_(not frozen)


def describe_start(moved: Transfer) -> str:
    """One line for the screen."""
    return f"Took over {len(moved.moved)} tensors; {len(moved.kept)} begin at random, {len(moved.unused)} were left."


def describe_origin(start: Start) -> dict[str, Any]:
    """What the weights that a run begins with had seen, for the checkpoint that comes out of it.

    Raises:
        CheckpointError: no whole checkpoint.
    """
    checkpoint = load_checkpoint(start.checkpoint)
    told = ("objective", "data", "data_licence", "labels", "started_from")
    return {
        "checkpoint": start.checkpoint.name,
        "sha256": checkpoint.sha256,
        **{key: checkpoint.training[key] for key in told if key in checkpoint.training},
    }
