import json

import pytest
import torch
from tiny import made_store, tiny_recipe

from ichnos.errors import TrainingError
from ichnos.training.guards import guarding, is_out_of_memory, name_slices
from ichnos.training.steps import NotFiniteError

STORE = made_store(count=40, patients=10)
"""Cases of four slices."""


def settings(**optimisation):
    return tiny_recipe(optimisation=optimisation).optimisation


def fail(folder, error, **optimisation):
    with guarding(STORE, settings(**optimisation), folder):
        raise error


def test_a_batch_that_is_not_finite_is_named_by_case_and_slice(tmp_path):
    with pytest.raises(TrainingError, match=r"^the loss is nan; the slices of its batch stand in .*nonfinite\.json$"):
        fail(tmp_path, NotFiniteError("the loss is nan", [0, 6, 39]))
    saved = json.loads((tmp_path / "nonfinite.json").read_text())
    assert saved["slices"] == [{"case": "case-0", "z": 0}, {"case": "case-1", "z": 2}, {"case": "case-9", "z": 3}]


def test_slices_are_counted_from_the_first_of_their_case():
    assert [one["z"] for one in name_slices(STORE, range(40))] == [0, 1, 2, 3] * 10


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_without_memory_the_batch_to_try_is_told(tmp_path, error):
    with pytest.raises(
        TrainingError,
        match=r"batches of 12; give --set optimisation.batch_size=6 --set optimisation.accumulate=4, which",
    ):
        fail(tmp_path, error, batch_size=12, accumulate=2)


def test_a_single_slice_cannot_be_halved(tmp_path):
    with pytest.raises(TrainingError, match=r"one slice at a time; use a smaller network"):
        fail(tmp_path, MemoryError(), batch_size=1)


def test_other_failures_pass_as_they_are(tmp_path):
    with pytest.raises(RuntimeError, match=r"^mat1 and mat2"):
        fail(tmp_path, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_a_real_refusal_of_memory_is_known_as_one():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)
