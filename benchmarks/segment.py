"""How long `ichnos segment` takes for a whole scan, start of Python included, beside reading it and finding its cavity.

The scan is a phantom of 35 slices of 512 x 512 pixels, written as DICOM; the command writes mask, picture and page.
15 s on two cores are the budget. The baseline starts a Python too, reads the same files and finds the intracranial
cavity without weights. Both run in turns; medians are told.

Run: python benchmarks/segment.py [--model NAME_OR_FOLDER] [--rounds 3]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.scans import write_dicom_series
from ichnos.segmentation.bundled import DEFAULT

SETTINGS = PhantomSettings(slices=35, rows=512, columns=512)
SEED = 7
BUDGET_SECONDS = 15.0
BASELINE = (
    "import sys; from ichnos.preprocessing.brain_mask import find_brain_mask; from ichnos.scans import read_scan; "
    "find_brain_mask(read_scan(sys.argv[1]))"
)


def take_seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        scan, out = Path(work, "scan"), Path(work, "out")
        write_dicom_series(make_phantom(SEED, SETTINGS).scan, scan)
        segment = [sys.executable, "-m", "ichnos", "segment", "-i", str(scan), "-o", str(out), "-m", options.model]
        baseline = [sys.executable, "-c", BASELINE, str(scan)]
        both = [(take_seconds([*segment, "--overwrite"]), take_seconds(baseline)) for _ in range(options.rounds)]
    whole, least = (float(np.median(seconds)) for seconds in zip(*both, strict=True))
    print(
        f"ichnos segment, 35 x 512 x 512, {options.model}: {whole:.1f} s ({whole / BUDGET_SECONDS:.2f} of the budget)"
    )
    print(f"baseline, start, reading and cavity alone: {least:.1f} s")
    print(f"ratio segment / baseline: {whole / least:.2f}")


if __name__ == "__main__":
    main()
