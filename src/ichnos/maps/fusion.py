"""From one map a block to one map a stage to one map: Eq. 2 of Rasoulian et al. 2023 after its heads."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ichnos.errors import UsageError
from ichnos.maps.grids import assemble_grid, resize, stretch_to_unit
from ichnos.maps.recorder import BlockAttention, Recording
from ichnos.maps.settings import MapSettings

Weigh = Callable[[BlockAttention], Float[Tensor, "tiles keys"]]
"""How much each token of each tile of a block counts."""


def fuse_stages(
    recording: Recording, weigh: Weigh, settings: MapSettings, size: tuple[int, int]
) -> tuple[Float[Tensor, "slices rows columns"], Float[Tensor, "slices stages rows columns"]]:
    """Maps of the recorded stages at `size` (rows, columns), fused and one by one.

    Each stage's map is min-max normalised on its own grid, then enlarged. The fused map is not
    normalised yet.
    """
    numbers = sorted({block.stage for block in recording.blocks})
    stages = [_stage_map(recording.stage(number), weigh, settings) for number in numbers]
    resized = torch.stack([resize(stage, size) for stage in stages], dim=1)
    fused = resized.prod(dim=1) if settings.fusion == "product" else resized.mean(dim=1)
    return fused, resized


def _stage_map(
    blocks: Sequence[BlockAttention], weigh: Weigh, settings: MapSettings
) -> Float[Tensor, "slices grid_rows grid_columns"]:
    grids = [assemble_grid(block, weigh(block), _shift(block, settings)) for block in blocks]
    if settings.pairs == "product":
        if len(grids) % 2:
            raise UsageError(
                f"stage {blocks[0].stage} has {len(blocks)} blocks, which do not pair up as HGI-SAM's plain and "
                "shifted ones do; set pairs to 'mean'"
            )
        grids = [plain * shifted for plain, shifted in zip(grids[::2], grids[1::2], strict=True)]
    return stretch_to_unit(torch.stack(grids).mean(dim=0), settings.min_max_over)


def _shift(block: BlockAttention, settings: MapSettings) -> int:
    if settings.undo_shift == "recorded":
        return block.shift
    return block.tile[0] // 2 if block.number % 2 else 0
