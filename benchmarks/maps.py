"""How fast and how large HGI-SAM is, beside a plain forward pass and beside the published procedure.

All is measured in turn in one run, so that the ratios hold on a busy machine too. The published
procedure (Rasoulian et al. 2023; written anew from its description) takes the gradients of all
parameters, and keeps every attention and its gradient with module hooks.

Goals on a CPU: HGI-SAM at most 2.2 forward passes (no gradient method can do with much less than 2)
and at least 1.5 times faster than the published procedure; a scan of 35 slices of which 4 are
positive at most 1.35 times 35 forward passes; at most 6 GB for 8 slices of Swin-Base at 384. On a
GPU: 6 ms a slice.

Run: python benchmarks/maps.py [--small] [--device cuda] [--batches 1 8] [--rounds 3]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from ichnos.errors import CheckpointError
from ichnos.maps.grids import stretch_to_unit
from ichnos.maps.hgi_sam import hgi_sam
from ichnos.maps.methods import explain
from ichnos.maps.settings import choose_settings
from ichnos.models.create import create_model
from ichnos.segmentation.segmenter import load_segmenter

SWIN_BASE = {
    "image_size": 384,
    "tile_size": 12,
    "depths": (2, 2, 18, 2),
    "attn_heads": (4, 8, 16, 32),
    "embed_dim": 128,
}
SMALL = {"image_size": 96, "tile_size": 6, "depths": (2, 2, 4), "attn_heads": (2, 4, 8), "embed_dim": 32}

SOFTMAX = nn.Softmax(dim=-1)


def attend(module, query, key, value, attention_mask, scaling=None, **_):  # noqa: ANN001, ANN003, ANN201, PLR0917
    scores = query @ key.transpose(2, 3) * scaling
    weights = SOFTMAX(scores if attention_mask is None else scores + attention_mask)
    return (weights @ value).transpose(1, 2).contiguous(), weights


AttentionInterface.register("published", attend)


def published(model: nn.Module, pixels: Tensor) -> Tensor:
    """Gradients of everything; hooks on the softmax; a map from what they kept."""
    model.transformer.set_attn_implementation("published")
    weights: list[Tensor] = []
    gradients: list[Tensor] = []
    hooks = [
        SOFTMAX.register_forward_hook(lambda _, __, output: weights.append(output)),
        SOFTMAX.register_full_backward_hook(lambda _, inputs, __: gradients.append(inputs[0])),
    ]
    model(pixels)[:, 1].sum().backward()
    for hook in hooks:
        hook.remove()
    gradients.reverse()
    stages, first = [], 0
    for stage, depth in enumerate(model.arguments.depths[:3]):
        side = model.arguments.image_size // model.arguments.patch_size >> stage
        tile, grids = model.arguments.tile_size, []
        for block in range(depth):
            norms = gradients[first + block].norm(dim=(2, 3), keepdim=True)
            looks = (norms * weights[first + block].detach()).mean(1).mean(1)
            grid = looks.reshape(len(pixels), side // tile, side // tile, tile, tile).transpose(2, 3)
            grids.append(torch.roll(grid.reshape(-1, side, side), (tile // 2 * (block % 2),) * 2, (1, 2)))
        pairs = torch.stack([a * b for a, b in zip(grids[::2], grids[1::2], strict=True)]).mean(0)
        size = (pixels.shape[2], pixels.shape[3])
        stages.append(nn.functional.interpolate(stretch_to_unit(pairs)[:, None], size=size, mode="bilinear")[:, 0])
        first += depth
    model.transformer.set_attn_implementation("sdpa")
    return stretch_to_unit(torch.stack(stages).prod(0))


@torch.no_grad()
def forward(model: nn.Module, pixels: Tensor) -> Tensor:
    return model(pixels)


def swin_sam(model: nn.Module, pixels: Tensor) -> Tensor:
    return explain(model, pixels, choose_settings("swin-sam"), (1,)).maps


def maps_of(model: nn.Module, pixels: Tensor) -> Tensor:
    return hgi_sam(model, pixels, range(1, min(3, len(model.arguments.depths)) + 1))[0]


TASKS = {"forward": forward, "HGI-SAM": maps_of, "Swin-SAM": swin_sam, "published": published}


def seconds(task: Callable[[], object], device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    task()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(model: nn.Module, batch: int, rounds: int) -> dict[str, float]:
    """Fastest seconds of each task, measured in turn."""
    device = next(model.parameters()).device
    size = model.arguments.image_size
    pixels = torch.randn(batch, 3, size, size, device=device, dtype=next(model.parameters()).dtype)
    found = {name: float("inf") for name in TASKS}
    for count in range(rounds + (device.type == "cuda")):
        for name, task in TASKS.items():
            taken = seconds(lambda task=task: task(model, pixels), device)
            model.zero_grad()
            if count >= (device.type == "cuda"):  # the first round on a GPU tunes its kernels
                found[name] = min(found[name], taken)
    return found


def scan_ratio(model: nn.Module, batch: int = 4, slices: int = 35, positive: int = 4) -> float:
    """A whole scan, of which some slices are positive, against a forward pass of every slice."""
    device = next(model.parameters()).device
    size = model.arguments.image_size
    pixels = torch.randn(slices, 3, size, size, device=device)
    plain = seconds(lambda: [forward(model, part) for part in pixels.split(batch)], device)
    maps = seconds(lambda: [maps_of(model, part) for part in pixels[:positive].split(batch)], device)
    return (plain + maps) / plain


def peak_gb(arguments: str, batch: int) -> float:
    """Peak memory of a fresh process that makes maps of one batch; Linux only."""
    code = f"""
import torch
from ichnos.maps.hgi_sam import hgi_sam
from ichnos.models.create import create_model
model = create_model("swin", {arguments}).eval()
pixels = torch.randn({batch}, 3, model.arguments.image_size, model.arguments.image_size)
hgi_sam(model, pixels, range(1, min(3, len(model.arguments.depths)) + 1))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout) * 1024 / 1e9


def report(name: str, model: nn.Module, options: argparse.Namespace) -> None:
    device = next(model.parameters()).device
    for batch in options.batches:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        found = compare(model, batch, options.rounds)
        parts = ", ".join(f"{task} {1000 * taken / batch:.1f}" for task, taken in found.items())
        print(f"{name}, batch {batch}, ms a slice: {parts}")
        ratio, faster = found["HGI-SAM"] / found["forward"], found["published"] / found["HGI-SAM"]
        print(f"  HGI-SAM / forward: {ratio:.2f}; published / HGI-SAM: {faster:.2f}")
        if device.type == "cuda":
            print(f"  peak memory of all: {torch.cuda.max_memory_allocated() / 1e9:.2f} GB")
    print(f"{name}, 35 slices, 4 positive / 35 forward passes: {scan_ratio(model):.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="a small network instead of Swin-Base at 384")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bf16", action="store_true", help="weights in bfloat16; maps stay in float32")
    parser.add_argument("--no-memory", action="store_true", help="leave out the peak memory of a CPU process")
    options = parser.parse_args()
    torch.manual_seed(0)
    arguments = SMALL if options.small else SWIN_BASE
    name = "small Swin, 96 pixels" if options.small else "Swin-Base, 384 pixels"
    model = create_model("swin", arguments).to(options.device).eval()
    report(name, model.bfloat16() if options.bf16 else model, options)
    try:
        bundled = load_segmenter("phantom-swin-hgi", options.device).checkpoint.model
    except CheckpointError:
        print("no bundled model here")
    else:
        report("bundled model", bundled, options)
    if options.device == "cpu" and not options.no_memory:
        print(f"{name}, 8 slices, peak memory of the process: {peak_gb(repr(arguments), 8):.2f} GB")


if __name__ == "__main__":
    main()
