"""The output of one layer and its gradient: what the CAM methods are made of."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ichnos.errors import UsageError
from ichnos.maps.explanation import Explanation, choose_logits, frozen, run
from ichnos.maps.families import find_anatomy
from ichnos.maps.grids import resize
from ichnos.maps.settings import MapSettings
from ichnos.runtime.names import list_near

Combine = Callable[
    [Float[Tensor, "slices channels rows columns"], Float[Tensor, "slices channels rows columns"]],
    Float[Tensor, "slices rows columns"],
]
"""A CAM: activations and gradients of a layer in, one map out."""


@dataclass
class _Caught:
    """The layer's output, and how its tokens lie in the image."""

    output: Tensor | None = None
    grid: tuple[int, int] = (0, 0)


def explain_by_activations(
    model: nn.Module,
    pixels: Float[Tensor, "slices channels rows columns"],
    settings: MapSettings,
    targets: Sequence[int],
    combine: Combine,
) -> Explanation:
    """One map a target, not yet normalised: what `combine` makes of a layer, cut at zero and enlarged.

    Raises:
        UsageError: the network has no such layer, or its output is not laid out as the image is.
    """
    layer = _find_layer(model, settings.layer)
    size = (int(pixels.shape[2]), int(pixels.shape[3]))
    with frozen(model, pixels.device, gradients=True):
        with _catch(model, layer) as caught:
            logits = run(model, pixels)
        if caught.output is None:
            raise UsageError(f"layer {settings.layer!r} gave no tensor when the network ran; choose another")
        asked = choose_logits(logits, targets, settings)
        activations = _as_image(caught.output.detach(), caught.grid)
        maps = []
        for number, logit in enumerate(asked, start=1):
            (gradient,) = torch.autograd.grad(
                logit.sum(), caught.output, retain_graph=number < len(asked), allow_unused=True
            )
            flow = torch.zeros_like(activations) if gradient is None else _as_image(gradient, caught.grid)
            maps.append(resize(combine(activations.float(), flow.float()).relu(), size))
    return Explanation(torch.stack(maps, dim=1), logits.detach())


def _find_layer(model: nn.Module, name: str | None) -> nn.Module:
    if name is None:
        return find_anatomy(model).blocks[-1].first_norm
    try:
        return model.get_submodule(name)
    except AttributeError as error:
        names = [one for one, _ in model.named_modules() if one]
        near = ", ".join(list_near(name, names, most=3, likeness=0.3)) or ", ".join(names[-5:])
        raise UsageError(f"the network has no layer {name!r}; near it are: {near}") from error


@contextmanager
def _catch(model: nn.Module, layer: nn.Module) -> Iterator[_Caught]:
    """Keep the output of `layer` while the block runs, and start the autograd graph there."""
    caught = _Caught()

    def catch(_: nn.Module, __: object, output: object) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        if isinstance(tensor, Tensor) and tensor.is_floating_point():
            if not tensor.requires_grad:
                tensor.requires_grad_()
            caught.output = tensor

    handles = [layer.register_forward_hook(catch), *_watch_grids(model, layer, caught)]
    try:
        yield caught
    finally:
        for handle in handles:
            handle.remove()


def _watch_grids(model: nn.Module, layer: nn.Module, caught: _Caught) -> list[torch.utils.hooks.RemovableHandle]:
    """Note the token grid at `layer`: that of the block that holds it, else that of the last block."""
    try:
        anatomy = find_anatomy(model)
    except UsageError:
        return []  # a network of convolutions, whose layers give images
    holder = next((block for block in anatomy.blocks if layer in block.module.modules()), anatomy.blocks[-1])

    def watch_image(_: nn.Module, __: object, tokens: Tensor) -> None:
        caught.grid = (int(tokens.shape[2]), int(tokens.shape[3]))

    def watch_block(_: nn.Module, arguments: tuple[Any, ...]) -> None:
        caught.grid = (int(arguments[1][0]), int(arguments[1][1]))  # a Swin block is told its grid

    handles = [anatomy.patches.register_forward_hook(watch_image)]
    if anatomy.is_tiled:
        handles.append(holder.module.register_forward_pre_hook(watch_block))
    return handles


def _as_image(output: Tensor, grid: tuple[int, int]) -> Float[Tensor, "slices channels rows columns"]:
    """Tokens as an image, class and register tokens left out; images as they are."""
    if output.ndim == 4:
        return output
    rows, columns = grid
    extra = output.shape[1] - rows * columns if output.ndim == 3 else -1
    if extra < 0 or rows == 0:
        raise UsageError(
            f"the layer's output of shape {tuple(output.shape)} is not laid out as the image is; choose another layer"
        )
    return output[:, extra:].transpose(1, 2).reshape(len(output), -1, rows, columns)
