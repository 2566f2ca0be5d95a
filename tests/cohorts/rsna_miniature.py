"""RSNA 2019 in miniature, with its warts: three series of two patients in one heap of files."""

from dataclasses import dataclass

import numpy as np
import pydicom
from cohorts.miniatures import SHAPE, head_hu, litter, rsna_rows, rsna_slice, write_csv
from scans.dicom_files import tilted

PLAIN, WRAPPED, ODD = "ID_s1plain", "ID_s2wrapped", "ID_s3odd"
NAMES = np.random.default_rng(7).permutation(2**20).tolist()
HEADER = "ID,Label"


@dataclass
class Mini:
    """What was written: by series the file names, feet to head; by image its labels; HU by series."""

    root: object
    names: dict
    labels: dict
    hu: dict

    @property
    def images(self):
        return self.root / "stage_2_train"

    @property
    def table(self):
        return self.root / "stage_2_train.csv"


def save(dataset, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with pydicom.config.disable_value_validation():
        dataset.save_as(path, enforce_file_format=True)
    return path


def label(number, z):
    """Labels of slice z that no other slice of the miniature has in this order."""
    bits = [(number * 5 + z) >> bit & 1 for bit in range(5)]
    return (int(any(bits)), *bits)


def write_series(mini, number, series, patient, hu, **changes):
    """Slices with positions 5 mm apart, under names that do not follow them."""
    mini.hu[series] = hu
    mini.names[series] = [f"ID_{NAMES[number * 50 + z]:09x}" for z in range(len(hu))]
    for z, name in enumerate(mini.names[series]):
        mini.labels[name] = label(number, z)
        position = changes.get("positions", [(-8.0, -8.4, 5.0 * z) for z in range(len(hu))])[z]
        rest = {key: value for key, value in changes.items() if key != "positions"}
        pixels = hu[z]
        if rest.get("BitsStored") == 12:
            rest["PixelData"] = (pixels.astype(int) % 4096).astype("<u2").tobytes()
        with pydicom.config.disable_value_validation():
            dataset = rsna_slice(name, pixels, 5.0 * z, series=series, patient=patient, position=position, **rest)
        save(dataset, mini.images / f"{name}.dcm")


def rows_of(mini):
    return [row for name, labels in sorted(mini.labels.items()) for row in rsna_rows(name, labels)]


def write_rsna(root):
    """The clean part, then the warts: truncated and foreign files, repeated and missing rows, junk."""
    mini = Mini(root, {}, {}, {})
    write_series(mini, 0, PLAIN, "ID_p1", head_hu(seed=1))
    steep = [(-8.0, -8.4 + 0.9 * z, 5.0 * z) for z in range(5)]
    wrapped = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0, "RescaleIntercept": 0}
    write_series(mini, 1, WRAPPED, "ID_p1", head_hu(seed=2), orientation=tilted(15), positions=steep, **wrapped)
    odd = head_hu((6, 24, 20), seed=3)
    odd[1] = -1000
    write_series(mini, 2, ODD, "ID_p2", odd)
    broken = mini.images / f"{mini.names[ODD][5]}.dcm"
    broken.write_bytes(broken.read_bytes()[:-100])
    (mini.images / "notes.txt").write_text("not an image")
    litter(mini.images, nifti=False)
    rows = rows_of(mini)
    unlabelled = mini.names[PLAIN][4]
    rows = [row for row in rows if not row.startswith(unlabelled)]
    rows += rsna_rows(mini.names[PLAIN][0], mini.labels[mini.names[PLAIN][0]])  # the same six rows again
    rows += rsna_rows("ID_fffffffff", (1, 0, 0, 0, 0, 1))  # of an image that is not there
    write_csv(mini.table, HEADER, *rows)
    return mini


__all__ = ["HEADER", "ODD", "PLAIN", "SHAPE", "WRAPPED", "label", "rows_of", "save", "write_rsna", "write_series"]
