"""How fast phantoms are made on one thread, beside a plain task on a volume of the same size.

The baseline is a trilinear zoom of a small volume to the phantom's size followed by a 3-D Gaussian
filter: about the least that a generator which resamples a stored head would have to do. The ratio
between the two does not depend much on the machine. Neither starts threads.

Run: python benchmarks/phantom_speed.py
"""

import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage

from ichnos.phantoms import PhantomSettings, make_phantom

SETTINGS = PhantomSettings(slices=32, rows=256, columns=256)
ROUNDS = 8


def resample_and_smooth() -> None:
    small = np.random.default_rng(0).standard_normal((16, 64, 64)).astype(np.float32)
    ndimage.gaussian_filter(ndimage.zoom(small, (2, 4, 4), order=1), 1.0)


def median_seconds(task: Callable[[int], object]) -> float:
    task(0)
    seconds = []
    for seed in range(1, ROUNDS + 1):
        start = time.perf_counter()
        task(seed)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def main() -> None:
    phantom = median_seconds(lambda seed: make_phantom(seed, SETTINGS))
    baseline = median_seconds(lambda _: resample_and_smooth())
    print(f"phantoms of 32 x 256 x 256: {1 / phantom:.2f} scans/s ({phantom:.3f} s each, one thread)")
    print(f"baseline, zoom and Gaussian filter of as many voxels: {baseline:.3f} s")
    print(f"ratio phantom / baseline: {phantom / baseline:.2f}")


if __name__ == "__main__":
    main()
