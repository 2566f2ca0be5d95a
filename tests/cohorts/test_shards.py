import os

import numpy as np
import pytest

from ichnos.cohorts import shards
from ichnos.cohorts.shards import HEADER_BYTES, ShardedArray
from ichnos.errors import StoreError


@pytest.fixture
def array(tmp_path):
    everything = np.arange(7 * 6).reshape(7, 2, 3).astype("<i2")
    paths = [tmp_path / f"{number}.npy" for number in range(3)]
    for path, part in zip(paths, np.split(everything, [3, 4]), strict=True):
        np.save(path, part)
    return ShardedArray(paths, [3, 1, 3], (2, 3), "<i2"), everything, paths


def test_numpy_writes_the_header_that_we_skip(array):
    _, everything, paths = array
    assert paths[0].read_bytes()[HEADER_BYTES:] == everything[:3].tobytes()


def test_random_rows_are_those_of_numpy(array):
    sharded, everything, _ = array
    rows = np.random.default_rng(0).integers(0, 7, 100)
    np.testing.assert_array_equal(sharded[rows], everything[rows])
    assert sharded[rows].dtype == np.dtype("<i2")


def test_no_rows_are_an_empty_array(array):
    assert array[0][np.zeros(0, int)].shape == (0, 2, 3)


def test_a_shard_without_a_file_is_zero(array):
    _sharded, everything, paths = array
    holed = ShardedArray([paths[0], None, paths[2]], [3, 1, 3], (2, 3), "<i2")
    np.testing.assert_array_equal(holed[np.array([3, 4])], [np.zeros((2, 3)), everything[4]])


@pytest.mark.parametrize("row", [-1, 7])
def test_a_row_that_is_not_there_is_an_error(array, row):
    with pytest.raises(IndexError, match=rf"^rows lie from 0 to 6; got {row} to {row}$"):
        array[0][np.array([row])]


def test_few_files_stay_open(array, monkeypatch):
    sharded, everything, _ = array
    monkeypatch.setattr(shards, "_OPEN_FILES", 1)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - not a folder of files
    for _ in range(5):
        np.testing.assert_array_equal(sharded[np.arange(7)], everything)
    assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208


def test_files_are_closed_with_the_array(array):
    sharded, _, _paths = array
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    own = ShardedArray(sharded.paths, [3, 1, 3], (2, 3), "<i2")
    own[np.arange(7)]
    del own
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_shard_that_shrinks_or_goes_is_one_line(array):
    sharded, _, paths = array
    paths[0].write_bytes(paths[0].read_bytes()[:-2])
    with pytest.raises(StoreError, match=r"0.npy is cut short at byte 162; prepare the store again$"):
        sharded[np.array([2])]
    paths[1].unlink()
    with pytest.raises(StoreError, match=r"1.npy cannot be read: No such file"):
        sharded[np.array([3])]
