"""Jobs in processes of their own: memory is bounded, and when a process dies, it is known at what.

A job is a generator function's call: it yields the name of what it is at, and returns its result.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from signal import SIG_IGN, SIGINT, signal
from typing import Any

from threadpoolctl import threadpool_limits

from ichnos.errors import IchnosError

Do = Callable[[Any], Generator[str, None, Any]]
"""Does one job."""


@dataclass(frozen=True)
class Began:
    """A job begins with a part of it.

    Attributes:
        job: its number.
        at: the name of the part.
    """

    job: int
    at: str


@dataclass(frozen=True)
class Done:
    """A job is finished.

    Attributes:
        job: its number.
        result: what it returned.
    """

    job: int
    result: Any


@dataclass(frozen=True)
class Died:
    """The process that did a job was killed or crashed.

    Attributes:
        job: its number.
        at: the part it was at; empty if it had not begun.
    """

    job: int
    at: str


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    job: int | None = None
    at: str = ""


def run_jobs(do: Do, jobs: "deque[tuple[int, Any]]", workers: int) -> Iterator[Began | Done | Died]:
    """Do jobs, each on one thread, and tell what happens.

    Args:
        do: does one job; must be picklable if `workers` is above 1.
        jobs: number and job; the caller may add to it while they are done.
        workers: processes; 1 does the jobs in this one, where a crash cannot be survived.

    Raises:
        IchnosError, RuntimeError: what a job raised; the other processes are stopped.
    """
    if workers <= 1:
        with threadpool_limits(1):
            while jobs:
                yield from _run_here(do, *jobs.popleft())
        return
    crew: list[_Worker] = []
    try:
        while jobs or any(worker.job is not None for worker in crew):
            _hand_out(jobs, crew, do, workers)
            yield from _listen(crew)
    finally:
        for worker in crew:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()


def _run_here(do: Do, number: int, job: Any) -> Iterator[Began | Done]:  # noqa: ANN401 - jobs are the caller's
    steps = do(job)
    while True:
        try:
            at = next(steps)
        except StopIteration as stop:
            yield Done(number, stop.value)
            return
        yield Began(number, at)


def _hand_out(jobs: "deque[tuple[int, Any]]", crew: list[_Worker], do: Do, workers: int) -> None:
    for worker in [worker for worker in crew if worker.job is None]:
        if jobs:
            _give(worker, jobs.popleft())
    while jobs and len(crew) < workers:
        crew.append(_hire(do))
        _give(crew[-1], jobs.popleft())


def _hire(do: Do) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(do, theirs), daemon=True)
    process.start()
    theirs.close()  # so that a dead worker's pipe ends
    return _Worker(process, ours)


def _give(worker: _Worker, job: tuple[int, Any]) -> None:
    worker.job, worker.at = job[0], ""
    with suppress(OSError):  # dead already; its pipe has ended, which `_listen` will see
        worker.pipe.send(job)


def _listen(crew: list[_Worker]) -> Iterator[Began | Done | Died]:
    ready = wait([worker.pipe for worker in crew if worker.job is not None])
    for worker in [worker for worker in crew if worker.pipe in ready]:
        try:
            event = worker.pipe.recv()
        except (EOFError, OSError):
            assert worker.job is not None
            crew.remove(worker)
            worker.process.join()
            worker.pipe.close()
            yield Died(worker.job, worker.at)
            continue
        if isinstance(event, Exception):
            raise event
        if isinstance(event, Began):
            worker.at = event.at
        else:
            worker.job = None
        yield event


def _serve(do: Do, pipe: Connection) -> None:
    """A worker's life; it ends when the parent's does, because its pipe ends then."""
    signal(SIGINT, SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    with threadpool_limits(1):
        try:
            while True:
                for event in _run_here(do, *pipe.recv()):
                    pipe.send(event)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except IchnosError as error:
            pipe.send(error)
        except Exception as error:
            pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))
