import pytest
import torch

from ichnos.errors import UsageError
from ichnos.runtime.device import choose_device


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


@pytest.mark.usefixtures("no_gpu")
def test_auto_is_the_cpu_where_there_is_no_gpu():
    assert choose_device() == torch.device("cpu")


@pytest.mark.usefixtures("two_gpus")
def test_auto_is_the_first_gpu():
    assert choose_device("auto") == torch.device("cuda:0")


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:0", "cuda:1"])
def test_a_device_that_is_here_is_taken_as_named(name):
    assert choose_device(name) == torch.device(name)


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_beyond_the_last_is_refused():
    with pytest.raises(UsageError, match=r"^device 'cuda:2' is not here; this machine has 2 CUDA devices$"):
        choose_device("cuda:2")


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_is_refused_where_there_is_none():
    with pytest.raises(UsageError, match=r"^device 'cuda' is not here; this machine has 0 CUDA devices$"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "cuda:-1"])
def test_what_torch_does_not_know_is_refused(name):
    with pytest.raises(UsageError, match=rf"^device '{name}' is not known; give auto, cpu or cuda:N$"):
        choose_device(name)


@pytest.mark.parametrize("name", ["mps", "meta"])
def test_other_kinds_of_device_are_refused(name):
    with pytest.raises(UsageError, match=rf"^device '{name}' is not supported; give auto, cpu or cuda:N$"):
        choose_device(name)
