"""Record a transformer's attention without changing what it computes.

Attention is caught through transformers' own `AttentionInterface`; a forward hook on each block
tells the token grid that the block worked on. Everything is put back at the end. Blocks that
nobody asked for, and passes outside the context, keep fused attention.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from ichnos.errors import UsageError
from ichnos.maps.families import Block, find_anatomy


@dataclass(frozen=True)
class BlockAttention:
    """What one block attended to.

    Attributes:
        weights: after softmax; tiles are image-major (all tiles of the first image first, each
            image's in row-major order). Queries and keys are `extra_tokens` first, then the tile's
            tokens in row-major order. In the autograd graph when gradients are on.
        stage: 1-based, as in the papers.
        number: 0-based place of the block in its stage.
        tile: (rows, columns) of a tile in tokens; the whole grid where attention is global.
        shift: how far the block rolled its grid up and left before cutting it into tiles.
        grid: (rows, columns) of tokens, before padding to whole tiles.
        extra_tokens: class, distillation and register tokens, which lie nowhere in the image.
    """

    weights: Float[Tensor, "tiles attn_heads queries keys"]
    stage: int
    number: int
    tile: tuple[int, int]
    shift: int
    grid: tuple[int, int]
    extra_tokens: int = 0


@dataclass
class Recording:
    """The blocks of the last forward pass, in the order in which they ran."""

    blocks: list[BlockAttention] = field(default_factory=list)

    def stage(self, number: int) -> list[BlockAttention]:
        """Blocks of one stage (1-based)."""
        return [block for block in self.blocks if block.stage == number]


@dataclass
class _Listener:
    """What is heard during the pass that is running: weights by attention module, and the image's grid."""

    wanted: frozenset[nn.Module]
    heard: dict[nn.Module, Tensor] = field(default_factory=dict)
    image_grid: tuple[int, int] = (0, 0)


_LISTENER: ContextVar[_Listener | None] = ContextVar("ichnos_attention_listener", default=None)
_IMPLEMENTATION = "ichnos_recording"
_FORBIDDEN = -60.0
"""A pair of tokens to whose logit less is added may not meet (Swin adds -100); its weight is made exactly 0.

Nothing of it would be left in single precision anyway. But exp(-100) is a denormal number, which a CPU
multiplies some twenty times more slowly, in every product that the weights and their gradients enter.
"""

_LOCKS: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_LOCKS_LOCK = threading.Lock()


@contextmanager
def exclusive(model: nn.Module) -> Iterator[None]:
    """Let one thread at a time change how `model` runs; the same thread may enter again."""
    with _LOCKS_LOCK:
        lock = _LOCKS.setdefault(model, threading.RLock())
    with lock:
        yield


@contextmanager
def record_attention(model: nn.Module, stages: Sequence[int] | None = None) -> Iterator[Recording]:
    """Record the attention of a transformer's `stages` (1-based; None for all) while the block runs.

    The recording holds the latest forward pass of this thread. On leaving, the model's attention
    implementation is restored and all hooks are gone. Another thread that wants to record the same
    model waits.

    Raises:
        UsageError: the model holds no transformer of a known family, or a stage that it does not have.
    """
    anatomy = find_anatomy(model)
    blocks = _choose(anatomy.blocks, anatomy.stages, stages)
    recording, listener = Recording(), _Listener(frozenset(block.attention for block in blocks))
    transformer = anatomy.transformer
    with ExitStack() as stack:
        stack.enter_context(exclusive(transformer))
        stack.callback(_LISTENER.reset, _LISTENER.set(listener))
        stack.callback(transformer.set_attn_implementation, transformer.config._attn_implementation)
        transformer.set_attn_implementation(_IMPLEMENTATION)
        stack.callback(anatomy.patches.register_forward_hook(_start(recording, listener)).remove)
        for block in blocks:
            stack.callback(block.module.register_forward_hook(_collect(block, recording, listener)).remove)
        yield recording


def _choose(blocks: Sequence[Block], depth: int, stages: Sequence[int] | None) -> list[Block]:
    wanted = set(range(1, depth + 1)) if stages is None else set(stages)
    if not wanted or not wanted <= set(range(1, depth + 1)):
        raise UsageError(f"stages {list(stages or ())} cannot be recorded; this network has stages 1 to {depth}")
    return [block for block in blocks if block.stage in wanted]


def _start(recording: Recording, listener: _Listener) -> Any:  # noqa: ANN401 - a torch hook
    """Forget the pass before, when the image is cut into tokens."""

    def hook(_: nn.Module, __: object, tokens: Tensor) -> None:
        if _LISTENER.get() is listener:
            recording.blocks.clear()
            listener.heard.clear()
            listener.image_grid = (int(tokens.shape[2]), int(tokens.shape[3]))

    return hook


def _collect(block: Block, recording: Recording, listener: _Listener) -> Any:  # noqa: ANN401 - a torch hook
    """Move what the attention of `block` said to the recording, once the block has run."""

    def hook(module: nn.Module, arguments: tuple[Any, ...], _: object) -> None:
        if _LISTENER.get() is not listener:
            return
        weights = listener.heard.pop(block.attention)
        grid, tile, shift = listener.image_grid, listener.image_grid, 0
        if block.family.is_tiled:
            swin: Any = module  # its tile and shift shrink where the grid is no larger than a tile
            grid = (int(arguments[1][0]), int(arguments[1][1]))
            tile, shift = (int(swin.window_size), int(swin.window_size)), int(swin.shift_size)
        extra = weights.shape[-1] - tile[0] * tile[1]
        recording.blocks.append(BlockAttention(weights, block.stage, block.number, tile, shift, grid, extra))

    return hook


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
    # Memory is what this waits for: the small query is scaled, the large logits are changed in place.
    logits = (query * scale) @ key.transpose(2, 3)
    if attention_mask is not None:
        logits += attention_mask.masked_fill(attention_mask < _FORBIDDEN, -torch.inf)
    weights = logits.softmax(dim=-1)
    if torch.is_grad_enabled() and not weights.requires_grad:
        weights.requires_grad_()  # frozen parameters: the first recorded weights start the graph
    listener.heard[module] = weights
    outputs = nn.functional.dropout(weights, p=dropout, training=module.training) @ value
    return outputs.transpose(1, 2).contiguous(), weights


AttentionInterface.register(_IMPLEMENTATION, _recording_attention)
