"""Record a transformer's attention without changing what it computes.

Attention weights are caught through transformers' own `AttentionInterface`; a forward hook on
each block tells the token grid that the block worked on. Everything is put back at the end.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.models.swin.modeling_swin import SwinLayer, SwinStage

from ichnos.errors import UsageError


@dataclass(frozen=True)
class BlockAttention:
    """What one block attended to.

    Attributes:
        weights: after softmax; tiles are image-major (all tiles of the first image first, each
            image's in row-major order). Part of the autograd graph when gradients are on.
        stage: 1-based, as in the papers.
        tile_size: side of a tile, tokens.
        shift: how far the block rolled its grid up and left before cutting it into tiles.
        grid: (rows, columns) of tokens, before padding to whole tiles.
    """

    weights: Float[Tensor, "tiles attn_heads queries keys"]
    stage: int
    tile_size: int
    shift: int
    grid: tuple[int, int]


@dataclass
class Recording:
    """The blocks of the last forward pass, in the order in which they ran."""

    blocks: list[BlockAttention] = field(default_factory=list)

    def stage(self, number: int) -> list[BlockAttention]:
        """Blocks of one stage (1-based)."""
        return [block for block in self.blocks if block.stage == number]


@dataclass
class _Listener:
    """Weights by attention module, and the token grid by block, of the pass that is running."""

    wanted: frozenset[nn.Module]
    weights: dict[nn.Module, Tensor] = field(default_factory=dict)


_LISTENER: ContextVar[_Listener | None] = ContextVar("ichnos_attention_listener", default=None)
_IMPLEMENTATION = "ichnos_recording"


@contextmanager
def record_attention(model: nn.Module, stages: Sequence[int]) -> Iterator[Recording]:
    """Record the attention of a Swin's `stages` (1-based) while the block runs.

    The recording holds the latest forward pass. Blocks of other stages keep fused attention. On
    leaving, the model's attention implementation is restored and all hooks are gone.

    Raises:
        UsageError: the model holds no Swin transformer, or a stage that it does not have.
    """
    transformer, layers = _swin_layers(model)
    depth = max(stage for _, stage in layers)
    if not stages or not set(stages) <= set(range(1, depth + 1)):
        raise UsageError(f"stages {list(stages)} cannot be recorded; this network has stages 1 to {depth}")
    recording = Recording()
    listener = _Listener(frozenset(layer.attention for layer, stage in layers if stage in stages))

    def start(*_: object) -> None:
        recording.blocks.clear()

    def collect(layer: SwinLayer, stage: int) -> Any:  # noqa: ANN401 - a torch hook
        def hook(_: nn.Module, arguments: tuple[Any, ...], __: object) -> None:
            grid = (int(arguments[1][0]), int(arguments[1][1]))
            weights = listener.weights.pop(layer.attention)
            block = BlockAttention(weights, stage, int(layer.window_size), int(layer.shift_size), grid)
            recording.blocks.append(block)

        return hook

    before = transformer.config._attn_implementation
    token = _LISTENER.set(listener)
    with ExitStack() as stack:
        stack.callback(_LISTENER.reset, token)
        stack.callback(transformer.set_attn_implementation, before)
        transformer.set_attn_implementation(_IMPLEMENTATION)
        stack.callback(transformer.register_forward_pre_hook(start).remove)
        for layer, stage in layers:
            if stage in stages:
                stack.callback(layer.register_forward_hook(collect(layer, stage)).remove)
        yield recording


def _swin_layers(model: nn.Module) -> tuple[PreTrainedModel, list[tuple[SwinLayer, int]]]:
    transformers = [module for module in model.modules() if isinstance(module, PreTrainedModel)]
    stages = [module for module in model.modules() if isinstance(module, SwinStage)]
    if not transformers or not stages:
        raise UsageError(f"{type(model).__name__} holds no Swin transformer whose attention can be recorded")
    layers = [
        (layer, number)
        for number, stage in enumerate(stages, start=1)
        for layer in stage.blocks
        if isinstance(layer, SwinLayer)
    ]
    return transformers[0], layers


def _recording_attention(  # noqa: PLR0913, PLR0917 - the signature is transformers'
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,  # noqa: ANN401
) -> tuple[Tensor, Tensor | None]:
    """Attention whose weights are kept; fused attention for modules that nobody listens to."""
    listener = _LISTENER.get()
    if listener is None or module not in listener.wanted:
        fused: tuple[Tensor, Tensor | None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return fused
    scale = scaling if scaling is not None else query.shape[-1] ** -0.5
    logits = query @ key.transpose(2, 3) * scale
    if attention_mask is not None:
        logits = logits + attention_mask
    weights = logits.softmax(dim=-1)
    if torch.is_grad_enabled() and not weights.requires_grad:
        weights.requires_grad_()  # frozen parameters: the first recorded weights start the graph
    listener.weights[module] = weights
    dropped = nn.functional.dropout(weights, p=dropout, training=module.training)
    return (dropped @ value).transpose(1, 2).contiguous(), weights


AttentionInterface.register(_IMPLEMENTATION, _recording_attention)
