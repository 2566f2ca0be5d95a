"""How fast a collection is prepared and read again, beside doing it by hand; and that memory stays flat.

Phantoms are written as DICOM into a temporary folder. Printed are ratios from one run, each the best
of a few rounds taken in turn:

- preparing, against a plain loop in one process (decode with pydicom, window, resize with torch): the
  processor time of a slice in either, which a busy machine hardly changes; and slices a second with
  two processes once they run, told from a small and a large collection, beside what starting them costs;
- random 256 x 256 slices from the store, against decoding their DICOM files, two processes each;
- the most memory that preparing takes, all processes together, for 1,000 and for 10,000 slices.

Run: python benchmarks/cohorts.py [scans]
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import pydicom

from ichnos.cohorts.case import Case, Cohort, LabelledScan
from ichnos.cohorts.case_slices import GridSettings
from ichnos.cohorts.prepare import prepare
from ichnos.cohorts.slice_store import load_store
from ichnos.phantoms import PhantomSettings, make_phantom, write_phantom
from ichnos.scans import read_scan

SETTINGS = PhantomSettings(slices=32, rows=512, columns=512)
GRID = GridSettings(image_size=256)
ROUNDS = 3
READS = 512


def write_collection(folder: Path, scans: int) -> None:
    """A few phantoms, and copies of their files: decoding costs the same, making phantoms does not."""
    made = min(scans, 4)
    for seed in range(made):
        write_phantom(make_phantom(seed, SETTINGS), folder, "dicom")
    for number in range(made, scans):
        shutil.copytree(folder / "scans" / f"phantom-{number % made:04d}", folder / "scans" / f"phantom-{number:04d}")


def load(case: Case) -> LabelledScan:
    scan = read_scan(case.files)
    return LabelledScan(case, scan, np.full((len(scan.voxels_hu), 6), -1, np.int8), None)


def list_cohort(folder: Path, repeats: int = 1) -> Cohort:
    folders = sorted((folder / "scans").iterdir())
    cases = [
        Case(f"{one.name}-{repeat}", f"{one.name}-{repeat}", tuple(sorted(one.iterdir())))
        for repeat in range(repeats)
        for one in folders
    ]
    return Cohort("phantoms", folder, "none needed", tuple(cases), load)


def decode(path: Path) -> np.ndarray:
    """One slice in HU."""
    dataset = pydicom.dcmread(path)
    return dataset.pixel_array.astype(np.float32) * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)


def window_and_resize(slice_hu: np.ndarray) -> np.ndarray:
    import torch  # not loaded by the processes that prepare, which do without

    torch.set_num_threads(1)
    windowed = ((torch.from_numpy(slice_hu) - 0.0) / 80.0).clamp(0, 1)[None, None]
    return torch.nn.functional.interpolate(windowed, (256, 256), mode="bilinear", antialias=True).numpy()


def plain_loop(cohort: Cohort) -> None:
    for case in cohort.cases:
        for path in case.files:
            window_and_resize(decode(path))


def read_decoding(paths: Sequence[Path]) -> int:
    return sum(window_and_resize(decode(path)).shape[-1] for path in paths)


def read_store(rows: np.ndarray, folder: Path) -> int:
    store = load_store(folder)
    return sum(store.hu[rows[start : start + 16]].shape[-1] for start in range(0, len(rows), 16))


def seconds(task: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    task()
    return clock() - started


def best_of(*tasks: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The best of a few rounds of each, taken in turn so that a busy moment hurts all alike."""
    return [
        min(times) for times in zip(*[[seconds(task, clock) for task in tasks] for _ in range(ROUNDS)], strict=True)
    ]


def count_slices(cohort: Cohort) -> int:
    return sum(len(case.files) for case in cohort.cases)


def measure_prepare(few: Cohort, many: Cohort, store: Path) -> None:
    def prepared(cohort: Cohort, workers: int) -> None:
        shutil.rmtree(store, ignore_errors=True)
        prepare(cohort, GRID, store, workers=workers)

    ours_s, loop_s = best_of(partial(prepared, few, 1), partial(plain_loop, few), clock=time.process_time)
    ours_ms, loop_ms = (1000 * spent_s / count_slices(few) for spent_s in (ours_s, loop_s))
    print(f"processor time of a slice: prepare {ours_ms:.2f} ms; plain loop {loop_ms:.2f} ms")
    print(f"ratio prepare / plain loop, 2 cores of no other work: {2 * loop_ms / ours_ms:.2f}")

    few_s, many_s, loop_s = best_of(partial(prepared, few, 2), partial(prepared, many, 2), partial(plain_loop, many))
    ours_ms = 1000 * (many_s - few_s) / (count_slices(many) - count_slices(few))
    loop_ms = 1000 * loop_s / count_slices(many)
    start_s = few_s - ours_ms * count_slices(few) / 1000
    print(f"best of {ROUNDS} rounds of {count_slices(few)} and of {count_slices(many)} slices")
    print(
        f"prepare, 2 processes: {1000 / ours_ms:.0f} slices/s once they run; plain loop: {1000 / loop_ms:.0f} slices/s"
    )
    print(f"ratio prepare / plain loop: {loop_ms / ours_ms:.2f}; start included: {loop_s / many_s:.2f}")
    if loop_ms > ours_ms:
        print(
            f"start: {start_s:.1f} s; the plain loop is faster below {1000 * start_s / (loop_ms - ours_ms):.0f} slices"
        )


def measure_reads(cohort: Cohort, store: Path) -> None:
    paths = [path for case in cohort.cases for path in case.files]
    rows = np.random.default_rng(0).integers(0, len(paths), READS)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:

        def from_files() -> None:
            list(pool.map(read_decoding, [[paths[row] for row in part] for part in np.array_split(rows, 2)]))

        def from_store() -> None:
            list(pool.map(partial(read_store, folder=store), np.array_split(np.tile(rows, 16), 2)))

        from_files()  # once, so that the processes have loaded what they need
        files_s, store_s = best_of(from_files, from_store)
    of_files, of_store = READS / files_s, 16 * READS / store_s
    print(f"random 256 x 256 slices, 2 processes: store {of_store:.0f}/s, decoding {of_files:.0f}/s")
    print(f"ratio store / decoding: {of_store / of_files:.1f}")


def resident_mb(process: int) -> float:
    """Memory of a process and of those it started, in MB; pages they share count in each."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        own = int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0
    return own + sum(resident_mb(int(child)) for child in children)


def measure_memory(folder: Path, store: Path, slices: int, available: int) -> None:
    repeats = -(-slices // available)
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from cohorts import list_cohort, prepare, GRID\n"
        "if __name__ == '__main__':\n"
        f"    prepare(list_cohort(Path({str(folder)!r}), {repeats}), GRID, Path({str(store)!r}), workers=2)\n"
    )
    script = store.parent / "memory.py"
    script.write_text(code)
    shutil.rmtree(store, ignore_errors=True)
    running = subprocess.Popen([sys.executable, script])
    most = 0.0
    while running.poll() is None:
        most = max(most, resident_mb(running.pid))
        time.sleep(0.05)
    print(f"preparing {repeats * available} slices with 2 processes: at most {most:.0f} MB, all together")


def main() -> None:
    scans = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    with tempfile.TemporaryDirectory() as place:
        folder, store = Path(place) / "collection", Path(place) / "store"
        write_collection(folder, scans)
        cohort = list_cohort(folder)
        measure_prepare(cohort, list_cohort(folder, 8), store)
        prepare(cohort, GRID, store, workers=2, overwrite=True)
        measure_reads(cohort, store)
        for slices in (1_000, 10_000):
            measure_memory(folder, store, slices, scans * SETTINGS.slices)


if __name__ == "__main__":
    main()
