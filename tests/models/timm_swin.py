"""A small Swin whose weights are named as timm names them, written from the paper for the tests.

Liu et al. 2021, sections 3.1 to 3.3. It shares no code with the networks of the package.
"""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, tile: int, buffers: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * tile - 1) ** 2, heads))
        index = torch.zeros(tile**2, tile**2, dtype=torch.long)
        for query in range(tile**2):
            for key in range(tile**2):
                down = query // tile - key // tile + tile - 1
                across = query % tile - key % tile + tile - 1
                index[query, key] = down * (2 * tile - 1) + across
        self.register_buffer("relative_position_index", index, persistent=buffers)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        tiles, count, width = tokens.shape
        query, key, value = self.qkv(tokens).reshape(tiles, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = torch.einsum("thqd,thkd->thqk", query, key) / (width // self.heads) ** 0.5
        scores = scores + self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        if mask is not None:
            scores = scores + mask.repeat(tiles // len(mask), 1, 1)[:, None]
        mixed = torch.einsum("thqk,thkd->tqhd", scores.softmax(-1), value)
        return self.proj(mixed.reshape(tiles, count, width))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.fc2(nn.functional.gelu(self.fc1(tokens)))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, tile: int, shift: int, grid: int, buffers: bool) -> None:
        super().__init__()
        self.tile, self.shift, self.grid = tile, shift, grid
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn, self.mlp = Attention(width, heads, tile, buffers), Mlp(width)
        self.register_buffer("attn_mask", self.make_mask() if shift else None, persistent=buffers)

    def make_mask(self) -> torch.Tensor:
        """-100 between tokens that only met because the grid was rolled."""
        region = torch.zeros(1, self.grid, self.grid, 1)
        edges = (0, self.grid - self.tile, self.grid - self.shift, self.grid)
        for i in range(3):
            for j in range(3):
                region[:, edges[i] : edges[i + 1], edges[j] : edges[j + 1]] = 3 * i + j
        tiles = self.cut(region)[:, :, 0]
        return torch.where(tiles[:, :, None] == tiles[:, None, :], 0.0, -100.0)

    def cut(self, image: torch.Tensor) -> torch.Tensor:
        tile, across = self.tile, self.grid // self.tile
        parts = [
            one[tile * i : tile * (i + 1), tile * j : tile * (j + 1)].reshape(tile * tile, -1)
            for one in image
            for i in range(across)
            for j in range(across)
        ]
        return torch.stack(parts)

    def lay(self, tiles: torch.Tensor) -> torch.Tensor:
        across = self.grid // self.tile
        squares = tiles.reshape(-1, across, across, self.tile, self.tile, tiles.shape[-1])
        return torch.stack([torch.cat([torch.cat(list(row), 1) for row in one], 0) for one in squares])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        rolled = torch.roll(self.norm1(image), (-self.shift, -self.shift), (1, 2))
        mixed = self.lay(self.attn(self.cut(rolled), self.attn_mask))
        image = image + torch.roll(mixed, (self.shift, self.shift), (1, 2))
        return image + self.mlp(self.norm2(image))


class Downsample(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.reduction = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        corners = (image[:, ::2, ::2], image[:, 1::2, ::2], image[:, ::2, 1::2], image[:, 1::2, 1::2])
        return self.reduction(self.norm(torch.cat(corners, -1)))


class Stage(nn.Module):
    def __init__(self, blocks: list[Block], before: Downsample | None, after: Downsample | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.is_late = before is not None
        self.downsample = before or after

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if self.downsample and self.is_late:
            image = self.downsample(image)
        for block in self.blocks:
            image = block(image)
        return self.downsample(image) if self.downsample and not self.is_late else image


class PatchEmbed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj, self.norm = nn.Conv2d(3, width, 4, 4), nn.LayerNorm(width)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.norm(self.proj(pixels).permute(0, 2, 3, 1))


class TimmSwin(nn.Module):
    """64 pixels, tiles of 4, three stages of 2, 4 and 2 blocks; `newer` naming or older."""

    def __init__(self, outputs: int = 2, *, newer: bool) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(8)
        stages = []
        for number, (depth, heads, grid) in enumerate(((2, 1, 16), (4, 2, 8), (2, 4, 4))):
            width = 8 << number
            shifts = [0 if grid == 4 or block % 2 == 0 else 2 for block in range(depth)]
            blocks = [Block(width, heads, 4, shift, grid, buffers=not newer) for shift in shifts]
            before = Downsample(width // 2) if newer and number > 0 else None
            after = Downsample(width) if not newer and number < 2 else None
            stages.append(Stage(blocks, before, after))
        self.layers = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(32)
        linear = nn.Linear(32, outputs)
        self.head = nn.Sequential() if newer else linear
        if newer:
            self.head.add_module("fc", linear)

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.norm(self.layers(self.patch_embed(pixels))).mean((1, 2))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(pixels))


class Wrapped(nn.Module):
    """A Swin without its classifier under the name `swin`, and a linear layer of its own beside it."""

    def __init__(self, outputs: int, *, newer: bool) -> None:
        super().__init__()
        self.swin = TimmSwin(newer=newer)
        del self.swin.head
        self.head = nn.Linear(32, outputs)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.head(self.swin.features(pixels))


def lively(model: nn.Module) -> nn.Module:
    torch.manual_seed(3)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model.eval()
