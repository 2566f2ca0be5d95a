"""Milliseconds a slice, as they should be taken: warm, one slice at a time, waiting for the device.

The first paper tells about 10 ms a slice for the U-Net, 15 for Swin-UNETR, 30 for Swin-SAM, 60 for HGI-SAM and
90 for Grad-CAM on an RTX 3090 (Rasoulian et al. 2023, 4 and 6), without saying whether the device was waited for.
Ratios on one machine can be compared with theirs, milliseconds cannot.
"""

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch


@dataclass(frozen=True)
class Timing:
    """How long a method takes for one slice.

    Attributes:
        method: its name.
        milliseconds: median over rounds.
        fastest: of the rounds.
        rounds: that were measured, after those that warmed up.
    """

    method: str
    milliseconds: float
    fastest: float
    rounds: int


def time_methods(
    methods: Mapping[str, Callable[[], object]], device: torch.device, rounds: int = 20, warm: int = 3
) -> dict[str, Timing]:
    """Time methods in turn, so that a busy machine slows all of them alike.

    Args:
        methods: each works on one slice when it is called.
        device: waited for before and after each call.
        rounds: measured calls of each method.
        warm: calls of each method beforehand that are not measured.
    """
    taken: dict[str, list[float]] = {name: [] for name in methods}
    for count in range(warm + rounds):
        for name, method in methods.items():
            milliseconds = _time_once(method, device)
            if count >= warm:
                taken[name].append(milliseconds)
    return {name: Timing(name, float(np.median(found)), min(found), rounds) for name, found in taken.items()}


def name_hardware(device: torch.device) -> str:
    """The device as a reader knows it, with its threads if it is a CPU."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"{_name_processor()}, {torch.get_num_threads()} thread(s)"


def relate(timings: Mapping[str, Timing], to: str) -> dict[str, float]:
    """Each method's time over that of the method `to`."""
    return {name: one.milliseconds / timings[to].milliseconds for name, one in timings.items()}


def _time_once(method: Callable[[], object], device: torch.device) -> float:
    _wait(device)
    began = time.perf_counter()
    method()
    _wait(device)
    return 1000.0 * (time.perf_counter() - began)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _name_processor() -> str:
    """From Linux's own table; elsewhere what Python knows."""
    table = Path("/proc/cpuinfo")
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
