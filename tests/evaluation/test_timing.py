import time

import pytest
import torch

from ichnos.evaluation import timing
from ichnos.evaluation.timing import Timing, name_hardware, relate, time_methods

CPU = torch.device("cpu")


def test_methods_are_called_in_turn_and_the_first_calls_do_not_count(monkeypatch):
    clock, calls = [0.0], []
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def take(name, seconds):
        def run():
            calls.append(name)
            clock[0] += seconds if len(calls) > 4 else 100.0

        return run

    found = time_methods({"quick": take("quick", 0.001), "slow": take("slow", 0.004)}, CPU, rounds=5, warm=2)
    assert calls == ["quick", "slow"] * 7
    assert found["quick"].milliseconds == pytest.approx(1.0)
    assert found["slow"].milliseconds == pytest.approx(4.0)
    assert found["slow"].rounds == 5
    assert relate(found, "quick") == {"quick": pytest.approx(1.0), "slow": pytest.approx(4.0)}


def test_the_median_stands_beside_the_fastest(monkeypatch):
    clock, taken = [0.0], iter([0.001, 0.005, 0.003])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def run():
        clock[0] += next(taken)

    found = time_methods({"one": run}, CPU, rounds=3, warm=0)["one"]
    assert (found.milliseconds, found.fastest) == (pytest.approx(3.0), pytest.approx(1.0))


def test_real_time_is_milliseconds():
    found = time_methods({"sleep": lambda: time.sleep(0.01)}, CPU, rounds=2, warm=0)["sleep"]
    assert isinstance(found, Timing)
    assert 10.0 <= found.fastest < 1000.0


def test_the_gpu_is_waited_for_before_and_after(monkeypatch):
    events = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: events.append("wait"))
    time_methods({"one": lambda: events.append("run")}, torch.device("cuda"), rounds=1, warm=0)
    assert events == ["wait", "run", "wait"]


def test_hardware_has_a_name():
    assert name_hardware(CPU).endswith("thread(s)")
    assert len(name_hardware(CPU)) > len("1 thread(s)")
