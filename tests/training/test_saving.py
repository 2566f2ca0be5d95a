"""An interrupted run equals one that was not: weights, running statistics, table and figures, to the bit."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training.runs import CPU, EVERY_STEP, run, weights

from ichnos.errors import TrainingError
from ichnos.training.machine import Machine
from ichnos.training.steps import Training

STEPS = 21
"""Three epochs of seven."""


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """A run that nothing interrupted and that saved nothing within its epochs."""
    folder = tmp_path_factory.mktemp("straight")
    model, figures = run(folder, Machine(CPU))
    return weights(model), figures, (folder / "metrics.csv").read_text()


@pytest.fixture
def steps(monkeypatch):
    """The steps that are begun; `break_at` breaks one of them, once."""
    real = Training.training_step

    class Steps(list):
        break_at = None

    seen = Steps()

    def step(self, batch, number):
        seen.append(self.current_epoch * self.batches + number)
        if seen[-1] == seen.break_at:
            seen.break_at = None
            raise RuntimeError("power cut")
        return real(self, batch, number)

    monkeypatch.setattr(Training, "training_step", step)
    return seen


def same(result, folder, straight):
    model, figures = result
    assert torch.equal(weights(model), straight[0])
    assert figures == straight[1]
    assert (folder / "metrics.csv").read_text() == straight[2]


@pytest.mark.parametrize("at", [1, 6, 7, 13, 20])
def test_broken_at_a_step_it_goes_on_from_that_step(tmp_path, straight, steps, at):
    steps.break_at = at
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path)
    steps.clear()
    same(run(tmp_path), tmp_path, straight)
    assert steps == list(range(at, STEPS))


def test_broken_twice_it_still_is_the_same(tmp_path, straight, steps):
    for at in (3, 5, 10):
        steps.break_at = at
        with pytest.raises(RuntimeError, match="power cut"):
            run(tmp_path)
    same(run(tmp_path), tmp_path, straight)


def test_saved_seldom_it_goes_on_from_the_last_epoch(tmp_path, straight, steps):
    steps.break_at = 10
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path, Machine(CPU, save_seconds=1000.0))
    steps.clear()
    same(run(tmp_path), tmp_path, straight)
    assert steps[0] == 7


def test_gradients_that_were_being_accumulated_are_made_again(tmp_path, steps):
    model, figures = run(tmp_path / "straight", accumulate=3)
    table = (tmp_path / "straight" / "metrics.csv").read_text()
    steps.break_at = 11  # of an epoch's 7 batches, 3, 3 and 1 make steps: 8, 9, 10 | 11
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path / "broken", accumulate=3)
    steps.clear()
    resumed = run(tmp_path / "broken", accumulate=3)
    assert steps[0] == 10
    same(resumed, tmp_path / "broken", (weights(model), figures, table))


@pytest.mark.parametrize("loaders", [2])
def test_processes_that_read_ahead_change_nothing(tmp_path, straight, steps, loaders):
    machine = Machine(CPU, loaders=loaders, save_seconds=0.0)
    steps.break_at = 10
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path, machine)
    same(run(tmp_path, machine), tmp_path, straight)


def start_and_stop(folder, at, name):
    """A run of its own that sends itself a signal as it begins a step."""
    tests = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests.parent / "src"), str(tests)])}
    command = [sys.executable, str(Path(__file__).with_name("runs.py")), str(folder), str(at), name]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_killed_it_goes_on_to_the_same_bits(tmp_path, straight):
    assert start_and_stop(tmp_path, 10, "SIGKILL").returncode == -signal.SIGKILL
    same(run(tmp_path), tmp_path, straight)


def test_sigterm_saves_and_says_so(tmp_path, straight, monkeypatch):
    real = Training.training_step

    def step(self, batch, number):
        if self.global_step == 9:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch, number)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(Training, "training_step", step)
        with pytest.raises(TrainingError, match=r"^stopped by SIGTERM at step 10; "):
            run(tmp_path, Machine(CPU))
    assert signal.getsignal(signal.SIGTERM) is before
    begun = []
    monkeypatch.setattr(Training, "training_step", lambda *given: (begun.append(given[0].global_step), real(*given))[1])
    same(run(tmp_path, EVERY_STEP), tmp_path, straight)
    assert begun[0] == 10
