import pytest
import torch

from ichnos.errors import UsageError
from ichnos.training import machine as machine_module
from ichnos.training.machine import Machine, choose_precision, first_goes_first, is_first

CPU = torch.device("cpu")


def test_alone_there_is_one_process():
    machine = Machine(CPU)
    assert (machine.nodes, machine.per_node, machine.processes) == (1, 1, 1)
    assert Machine(CPU, devices=2).processes == 2
    assert is_first()
    with first_goes_first(CPU):
        pass
    assert not torch.distributed.is_initialized()


def test_torchrun_says_how_many_machines_there_are(monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "6", "LOCAL_WORLD_SIZE": "2", "RANK": "4"}.items():
        monkeypatch.setenv(name, value)
    machine = Machine(CPU)
    assert (machine.nodes, machine.per_node, machine.processes) == (3, 2, 6)
    assert not is_first()


def test_full_precision_is_always_there():
    assert choose_precision(32, CPU) == "32-true"


@pytest.mark.parametrize("precision", ["bf16", 16])
def test_what_a_cpu_would_only_imitate_is_refused(monkeypatch, precision):
    monkeypatch.setattr(machine_module, "_cpu_has_bf16", lambda: False)
    with pytest.raises(UsageError, match=rf"imitate optimisation.precision {precision}, .*--set optimisation.precis"):
        choose_precision(precision, CPU)


def test_a_cpu_that_has_bf16_may_use_it(monkeypatch):
    monkeypatch.setattr(machine_module, "_cpu_has_bf16", lambda: True)
    assert choose_precision("bf16", CPU) == "bf16-mixed"
    with pytest.raises(UsageError, match="16"):
        choose_precision(16, CPU)


@pytest.mark.parametrize(("rank", "order"), [("0", ["block", "wait"]), ("3", ["wait", "block"])])
def test_the_others_wait_for_the_first(monkeypatch, rank, order):
    seen = []
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "a")
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "barrier", lambda: seen.append("wait"))
    with first_goes_first(CPU):
        seen.append("block")
    assert seen == order


def test_a_gpu_takes_half_precision_where_it_has_it(monkeypatch):
    gpu = torch.device("cuda:0")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: including_emulation)
    assert choose_precision(16, gpu) == "16-mixed"
    with pytest.raises(UsageError, match=r"^this GPU has no bf16; set optimisation.precision to 16 or 32$"):
        choose_precision("bf16", gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: True)
    assert choose_precision("bf16", gpu) == "bf16-mixed"
