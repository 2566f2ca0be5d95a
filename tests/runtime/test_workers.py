import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest

from ichnos.errors import ScanError
from ichnos.runtime.workers import Began, Died, Done, run_jobs


def count_up(job):
    """Yields the parts of a job and returns their sum; some parts are mishaps."""
    for part in job:
        yield str(part)
        if part == "error":
            raise ScanError("a bad scan")
        if part == "bug":
            raise KeyError("a bug")
        if part == "death":
            os.kill(os.getpid(), signal.SIGKILL)
        if part == "sleep":
            time.sleep(60)
    return sum(job), os.getpid()


def run(jobs, workers):
    return list(run_jobs(count_up, deque(enumerate(jobs)), workers))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_job_is_done_and_every_part_is_told(workers):
    events = run([[1, 2], [3], [], [4, 5]], workers)
    assert sorted(event.job for event in events if isinstance(event, Done)) == [0, 1, 2, 3]
    assert {event.job: event.result[0] for event in events if isinstance(event, Done)} == {0: 3, 1: 3, 2: 0, 3: 9}
    assert [event.at for event in events if isinstance(event, Began) and event.job == 3] == ["4", "5"]


def test_one_worker_is_this_process_and_more_are_not():
    assert {event.result[1] for event in run([[1]], 1) if isinstance(event, Done)} == {os.getpid()}
    there = {event.result[1] for event in run([[1]] * 6, 2) if isinstance(event, Done)}
    assert os.getpid() not in there
    assert 1 <= len(there) <= 2


def test_a_death_tells_what_it_was_at_and_the_others_go_on():
    events = run([[1], [2, "death"], [3], [4]], 2)
    assert [event for event in events if isinstance(event, Died)] == [Died(1, "death")]
    assert sorted(event.job for event in events if isinstance(event, Done)) == [0, 2, 3]


def test_a_job_may_be_given_again_after_a_death():
    jobs = deque([(0, ["death"])])
    events = []
    for event in run_jobs(count_up, jobs, 2):
        events.append(event)
        if isinstance(event, Died):
            jobs.append((0, [7]))
    assert isinstance(events[-1], Done)
    assert events[-1].result[0] == 7


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_job_is_raised_here(workers):
    with pytest.raises(ScanError, match=r"^a bad scan$"):
        run([[1], ["error"], ["sleep"] if workers > 1 else [2]], workers)


def test_a_bug_in_a_job_is_raised_here():
    with pytest.raises(RuntimeError, match=r"^KeyError: 'a bug'$"):
        run([[1], ["bug"]], 2)


CODE = """
import sys, time
from collections import deque
sys.path.insert(0, {folder!r})
from test_workers import count_up
from ichnos.runtime.workers import run_jobs
if __name__ == "__main__":
    for event in run_jobs(count_up, deque([(0, [1] * 10**7), (1, [1] * 10**7)]), 2):
        print(event.job, flush=True)
"""


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(CODE.format(folder=str(Path(__file__).parent)))
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert parent.stdout is not None
    parent.stdout.readline()
    there = children(parent.pid)
    assert there
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        alive = [pid for pid in there if Path(f"/proc/{pid}").exists()]
        if not alive:
            break
        time.sleep(0.1)
    assert alive == []
