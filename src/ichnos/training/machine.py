"""What a run is computed on; changes how fast it is, not what comes out."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import torch

from ichnos.errors import UsageError


@dataclass(frozen=True)
class Machine:
    """Devices and processes of a run.

    Attributes:
        device: of each process; of several GPUs, the first.
        devices: processes on this machine that train together, each on its own device.
        loaders: processes that read ahead for each of them.
        save_seconds: within an epoch, the state is saved after the step at which it is this old.
    """

    device: torch.device
    devices: int = 1
    loaders: int = 0
    save_seconds: float = 600.0

    @property
    def nodes(self) -> int:
        """Machines that train together; torchrun says so to each of its processes."""
        return int(os.environ.get("WORLD_SIZE", "1")) // self.per_node if is_launched() else 1

    @property
    def per_node(self) -> int:
        """Processes on each machine."""
        return int(os.environ["LOCAL_WORLD_SIZE"]) if is_launched() else self.devices

    @property
    def processes(self) -> int:
        """All processes that train together."""
        return self.nodes * self.per_node


def is_launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def is_first() -> bool:
    """Whether this process is the one that writes results; the only one where torchrun started none."""
    return not is_launched() or os.environ["RANK"] == "0"


@contextmanager
def first_goes_first(device: torch.device) -> Iterator[None]:
    """Of processes that torchrun started, the others run the block after the first has; then all go on.

    So that phantoms are made once, on a disk that all see.
    """
    if not is_launched():
        yield
        return
    together = torch.distributed
    if not together.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        if device.type == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        together.init_process_group(backend, timeout=timedelta(days=1))
    if not is_first():
        together.barrier()
    yield
    if is_first():
        together.barrier()


Precision = Literal["32-true", "16-mixed", "bf16-mixed"]


def choose_precision(precision: Literal[32, 16, "bf16"], device: torch.device) -> Precision:
    """Lightning's name for a precision.

    Raises:
        UsageError: one that this device would only imitate, many times slower than 32 bits.
    """
    if precision == 32:
        return "32-true"
    if device.type == "cuda":
        if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
            raise UsageError("this GPU has no bf16; set optimisation.precision to 16 or 32")
        return "bf16-mixed" if precision == "bf16" else "16-mixed"
    if precision == "bf16" and _cpu_has_bf16():
        return "bf16-mixed"
    raise UsageError(
        f"this CPU would only imitate optimisation.precision {precision}, 30 to 70 times slower; "
        "give --set optimisation.precision=32"
    )


def _cpu_has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
