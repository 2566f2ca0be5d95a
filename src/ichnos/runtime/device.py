"""Which device to compute on."""

import torch

from ichnos.errors import UsageError


def choose_device(name: str = "auto") -> torch.device:
    """`auto` takes a CUDA device if there is one; else `cpu` or `cuda:N` as named.

    Raises:
        UsageError: not a device, or one that this machine lacks.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r} is not known; give auto, cpu or cuda:N") from error
    if device.type not in {"cpu", "cuda"}:
        raise UsageError(f"device {name!r} is not supported; give auto, cpu or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {name!r} is not here; this machine has {torch.cuda.device_count()} CUDA devices")
    return device
