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
