"""What it gains to train convolutions channels last, beside PyTorch's own order of channels.

Steps of both are taken in turn in one run (forward, loss, backward, optimiser; the bundled U-Net at its size, on
noise), so that the ratio holds on a busy machine too.

Run: python benchmarks/channels_last.py [--steps 5] [--batch 24] [--precision bf16]
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from ichnos.models.create import create_model
from ichnos.training.recipe import load_recipe


def make_step(memory_format: torch.memory_format, options: argparse.Namespace) -> Callable[[], float]:
    """A training step of a fresh network whose weights lie in this order."""
    recipe = load_recipe("bundled-unet")
    model = create_model(recipe.network.name, recipe.network.arguments).train().to(memory_format=memory_format)
    optimizer = torch.optim.AdamW(model.parameters())
    pixels = torch.rand(options.batch, 2, recipe.preprocessing.image_size, recipe.preprocessing.image_size)

    def step() -> float:
        began = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            logits = model(pixels)
        logits.float().square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        return time.perf_counter() - began

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--precision", choices=("32", "bf16"), default="32")
    options = parser.parse_args()
    plain, last = (make_step(order, options) for order in (torch.contiguous_format, torch.channels_last))
    plain(), last()  # the first step of each sets things up
    pairs = [(plain(), last()) for _ in range(options.steps)]
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"precision {options.precision}, batch {options.batch}, {torch.get_num_threads()} threads")
    first_s, last_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"channels first {first_s:.2f} s a step, last {last_s:.2f} s")
    print(f"ratio, channels first : last (median of {options.steps} pairs): {ratio:.2f}")


if __name__ == "__main__":
    main()
