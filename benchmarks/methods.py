"""Milliseconds a slice of every method of the first paper, and their ratios beside the paper's.

The paper tells about 10, 15, 30, 60 and 90 ms on an RTX 3090 for U-Net, Swin-UNETR, Swin-SAM, HGI-SAM and
Grad-CAM. Here: one slice at a time, warm, waiting for the device, untrained weights; networks of the
paper's sizes (Swin-Base at 384 pixels), or small ones with --small. Making the input and cutting the map are not timed.

Run: python benchmarks/methods.py [--small] [--device cuda] [--rounds 20]
"""

import argparse
from collections.abc import Callable

import torch

from ichnos.evaluation.published import MILLISECONDS_PER_SLICE
from ichnos.evaluation.timing import name_hardware, relate, time_methods
from ichnos.maps.families import find_anatomy
from ichnos.maps.methods import explain
from ichnos.maps.settings import choose_settings, fit_stages
from ichnos.models.create import create_model

SWIN = {
    "full": {
        "image_size": 384,
        "tile_size": 12,
        "depths": (2, 2, 18, 2),
        "attn_heads": (4, 8, 16, 32),
        "embed_dim": 128,
    },
    "small": {"image_size": 96, "tile_size": 6, "depths": (2, 2, 4), "attn_heads": (2, 4, 8), "embed_dim": 32},
}
SEGMENTERS = {"U-Net": "light-unet", "Swin-UNETR": "swin-unetr"}
MAPS = {"Swin-SAM binary": "swin-sam", "Swin-HGI-SAM": "hgi-sam", "Swin-Grad-CAM": "grad-cam"}


def make_tasks(size: str, device: torch.device) -> dict[str, Callable[[], object]]:
    arguments = SWIN[size]
    pixels = torch.rand(1, 3, arguments["image_size"], arguments["image_size"], device=device)
    tasks: dict[str, Callable[[], object]] = {}
    for title, name in SEGMENTERS.items():
        model = create_model(name, {"channels": 3}).to(device).eval()

        def segment(model: torch.nn.Module = model) -> object:
            with torch.inference_mode():
                return model(pixels)

        tasks[title] = segment
    swin = create_model("swin", arguments).to(device).eval()
    stages = find_anatomy(swin).stages
    for title, method in MAPS.items():
        settings = fit_stages(choose_settings(method), stages)
        tasks[title] = lambda settings=settings: explain(swin, pixels, settings, (1,))
    return tasks


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true", help="a small Swin at 96 pixels instead of Swin-Base at 384")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    torch.manual_seed(0)
    device = torch.device(options.device)
    timings = time_methods(make_tasks("small" if options.small else "full", device), device, options.rounds)
    ratios, published = relate(timings, "U-Net"), MILLISECONDS_PER_SLICE
    print(f"{name_hardware(device)}; {'small networks' if options.small else 'Swin-Base at 384'}, batch 1")
    for name, timing in timings.items():
        print(
            f"  {name:16} {timing.milliseconds:8.1f} ms a slice (fastest {timing.fastest:.1f}), "
            f"{ratios[name]:5.1f} x U-Net; published {published[name] / published['U-Net']:.1f} x"
        )


if __name__ == "__main__":
    main()
