"""Random reads of slices from files of several kinds, warm and cold: what ADR 0010 stands on.

A format whose library is not installed is left out: pip install zarr h5py lmdb. Cold means that the
pages of the file were dropped from memory before (posix_fadvise); what a disk or a virtual machine
caches below is not. Each figure is the best of a few rounds, taken in turn.

Run: python benchmarks/store_formats.py [slices]
"""

import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZE, READS, ROUNDS = 256, 512, 3
HEADER_BYTES = 128
Reader = Callable[[int], np.ndarray]


def write_npy(path: Path, slices: np.ndarray) -> None:
    np.save(path, slices)


def open_memmap(path: Path) -> Reader:
    mapped = np.load(path, mmap_mode="r")
    return lambda row: np.array(mapped[row])


def open_pread(path: Path) -> Reader:
    handle, size = os.open(path, os.O_RDONLY), SIZE * SIZE * 2

    def read(row: int) -> np.ndarray:
        pixels = np.empty((SIZE, SIZE), "<i2")
        os.preadv(handle, [pixels], HEADER_BYTES + row * size)
        return pixels

    return read


def write_hdf5(path: Path, slices: np.ndarray, **options: object) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("hu", data=slices, **options)


def write_hdf5_lzf(path: Path, slices: np.ndarray) -> None:
    write_hdf5(path, slices, chunks=(1, SIZE, SIZE), compression="lzf")


def open_hdf5(path: Path) -> Reader:
    import h5py

    dataset = h5py.File(path, "r")["hu"]
    return lambda row: dataset[row]


def write_lmdb(path: Path, slices: np.ndarray) -> None:
    import lmdb

    with lmdb.open(str(path), map_size=4 * slices.nbytes, subdir=False) as store, store.begin(write=True) as put:
        for row, one in enumerate(slices):
            put.put(f"{row:08d}".encode(), one.tobytes())


def open_lmdb(path: Path) -> Reader:
    import lmdb

    get = lmdb.open(str(path), readonly=True, lock=False, subdir=False, readahead=False).begin(buffers=True)
    return lambda row: np.frombuffer(get.get(f"{row:08d}".encode()), "<i2").reshape(SIZE, SIZE).copy()


def write_zarr(path: Path, slices: np.ndarray, **options: object) -> None:
    import zarr

    zarr.create_array(str(path), data=slices, chunks=(1, SIZE, SIZE), **options)


def write_zarr_raw(path: Path, slices: np.ndarray) -> None:
    write_zarr(path, slices, compressors=None)


def write_zarr_sharded(path: Path, slices: np.ndarray) -> None:
    write_zarr(path, slices, shards=(len(slices), SIZE, SIZE))


def open_zarr(path: Path) -> Reader:
    import zarr

    array = zarr.open_array(str(path), mode="r")
    return lambda row: array[row]


FORMATS = {
    ".npy, pread": (None, write_npy, open_pread),
    ".npy, memmap": (None, write_npy, open_memmap),
    "HDF5 contiguous": ("h5py", write_hdf5, open_hdf5),
    "HDF5 lzf": ("h5py", write_hdf5_lzf, open_hdf5),
    "LMDB": ("lmdb", write_lmdb, open_lmdb),
    "zarr 3 raw": ("zarr", write_zarr_raw, open_zarr),
    "zarr 3 sharded zstd": ("zarr", write_zarr_sharded, open_zarr),
}


def files_of(path: Path) -> list[Path]:
    return [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else [path]


def drop_pages(path: Path) -> None:
    for one in files_of(path):
        handle = os.open(one, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def reads_per_second(path: Path, opener: Callable[[Path], Reader], rows: np.ndarray, *, cold: bool) -> float:
    if cold:
        drop_pages(path)
    read = opener(path)
    started = time.perf_counter()
    for row in rows:
        read(int(row))
    return len(rows) / (time.perf_counter() - started)


def make_slices(count: int) -> np.ndarray:
    """Smooth heads with noise: what compressors meet in CT."""
    rng = np.random.default_rng(0)
    row, column = np.ogrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    head = np.where(row**2 + column**2 < 0.6, 35.0, -1000.0)
    slices = np.empty((count, SIZE, SIZE), "<i2")
    for z in range(count):
        slices[z] = head + rng.normal(0, 5, head.shape)
    return slices


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    slices = make_slices(count)
    rows = np.random.default_rng(1).integers(0, count, READS)
    with tempfile.TemporaryDirectory() as folder:
        there: dict[str, Path] = {}
        for number, (name, (library, write, _)) in enumerate(FORMATS.items()):
            if library is not None and importlib.util.find_spec(library) is None:
                print(f"{name:22s} left out: {library} is not installed")
                continue
            there[name] = Path(folder) / f"{number}.npy"
            write(there[name], slices)
            np.testing.assert_array_equal(FORMATS[name][2](there[name])(count // 2), slices[count // 2])
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in there}
        for _ in range(ROUNDS):
            for name, path in there.items():
                cold = reads_per_second(path, FORMATS[name][2], rows, cold=True)
                figures[name].append((cold, reads_per_second(path, FORMATS[name][2], rows, cold=False)))
        for name, path in there.items():
            cold, warm = (max(values) for values in zip(*figures[name], strict=True))
            size = sum(one.stat().st_size for one in files_of(path)) / slices.nbytes
            files = len(files_of(path))
            print(f"{name:22s} cold {cold:8.0f}/s, warm {warm:8.0f}/s, {size:.2f} of raw, {files} files")


if __name__ == "__main__":
    main()
