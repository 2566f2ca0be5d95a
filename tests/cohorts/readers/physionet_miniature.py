"""PhysioNet ct-ich in miniature, both layouts, written with nibabel, Pillow and csv alone."""

import csv
from functools import cache

import nibabel
import numpy as np
from PIL import Image

from ichnos.phantoms import PhantomSettings, make_phantom

HEADER = (
    *("PatientNumber", "SliceNumber", "Intraventricular", "Intraparenchymal", "Subarachnoid", "Epidural", "Subdural"),
    *("No_Hemorrhage", "Fracture_Yes_No"),
)
SETTINGS = PhantomSettings(slices=6, rows=40, columns=48, uneven_probability=0, tilt_degrees=(0, 0), distractors=False)
SPACING_MM = (5.0, 0.8, 0.6)
"""Between slices, rows, columns."""

FEET_MM = -40.0


@cache
def phantom(seed):
    """(HU, drawn), both feet to head, front to back, right to left; HU are whole numbers."""
    made = make_phantom(seed, SETTINGS)
    return np.rint(made.scan.voxels_hu).astype(np.int16), box(seed)


def box(seed, shape=(6, 40, 48)):
    """A bleed in two slices, off the middle on every axis, at another place for every seed."""
    drawn = np.zeros(shape, bool)
    drawn[seed % 2 : 2 + seed % 2, 10:16, 30 + seed % 3 : 36] = True
    return drawn


def where_mm(drawn):
    """Centroid in RAS+ mm of voxels of the miniature: column 0 at x = +14.4, row 0 at y = +16."""
    z, row, column = (index.mean() for index in np.nonzero(drawn))
    return np.array([14.4 - 0.6 * column, 16.0 - 0.8 * row, FEET_MM + 5.0 * z])


def save_nifti(path, values, *, feet_first=True, affine=None):
    """Store with axes to patient left, front and head (or feet)."""
    stored = values.transpose(2, 1, 0)[:, ::-1]
    slices, rows, _ = values.shape
    own = np.diag([-0.6, 0.8, 5.0, 1.0])
    own[:3, 3] = 14.4, 16.0 - 0.8 * (rows - 1), FEET_MM
    if not feet_first:
        stored = stored[:, :, ::-1]
        own[2, 2], own[2, 3] = -5.0, FEET_MM + 5.0 * (slices - 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(stored), own if affine is None else affine), path)


def forget_place(path):
    """Set sform_code and qform_code to 0, as tools without geometry write them."""
    content = bytearray(path.read_bytes())
    content[252:256] = bytes(4)
    path.write_bytes(content)


def slice_rows(patient, drawn, *, feet_first=True, subtype="Subdural"):
    """A row a slice, numbered from 1 in the order of storage."""
    bleeds = drawn.any(axis=(1, 2))[:: 1 if feet_first else -1]
    return [
        [patient, number, *(int(name == subtype and yes) for name in HEADER[2:7]), int(not yes), 0]
        for number, yes in enumerate(bleeds, 1)
    ]


def write_csv(path, rows, *, bom=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
        csv.writer(file).writerows(rows)


def write_demographics(path, positive=(), *, patients=range(49, 131)):
    """Two header rows, 82 patients, two footer rows; subdural for the positive ones."""
    upper = ["Patient Number", "Age\n(years)", "Gender", "Hemorrhage type based on the radiologists diagnosis"]
    lower = ["", "", "", *HEADER[2:7], "Fracture (yes/no)", "Note"]
    rows = [[n, 30, "Male", "", "", "", "", 1 if n in positive else "", "", ""] for n in patients]
    footer = [["", "27.8", "46 males", 5, 17, 7, 21, 4, 22, ""], ["Mean", "27.8", "", "", "", "", "", "", "", ""]]
    write_csv(path, [upper + [""] * 6, lower, *rows, *footer])


def write_nifti_layout(root):
    """Patients 49 (feet first), 50 (head first), 51 (no bleed), shuffled rows and columns, a BOM, junk."""
    rows = []
    for number, feet_first in ((49, True), (50, False), (51, True)):
        hu, drawn = phantom(number)
        drawn = drawn if number != 51 else np.zeros_like(drawn)
        save_nifti(root / f"ct_scans/{number:03d}.nii", hu, feet_first=feet_first)
        save_nifti(root / f"masks/{number:03d}.nii", drawn.astype(np.uint8) * 255, feet_first=feet_first)
        rows += slice_rows(number, drawn, feet_first=feet_first)
    order = [3, 8, 0, 6, 1, 2, 7, 4, 5]
    shuffled = np.random.default_rng(0).permutation(len(rows))
    table = [[rows[row][column] for column in order] for row in shuffled]
    write_csv(root / "hemorrhage_diagnosis_raw_ct.csv", [[HEADER[column] for column in order], *table], bom=True)
    write_demographics(root / "Patient_demographics.csv", {49, 50})
    (root / "ct_scans/._049.nii").write_bytes(b"Mac")
    (root / "ct_scans/.DS_Store").write_bytes(b"Mac")


def to_grey(hu, level, width):
    return np.clip(np.rint((hu.astype(float) - (level - width / 2)) / width * 255), 0, 255).astype(np.uint8)


def save_jpeg(path, grey, *, quality=95, colour=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(grey)
    (picture.convert("RGB") if colour else picture).save(path, quality=quality)


def write_jpeg_layout(root, *, missing=4):
    """Patients 49 (pictures 1 to 12 without one in the middle, colour) and 50 (no bleed)."""
    rows = []
    for number in (49, 50):
        hu, drawn = pictures(number)
        folder = root / "Patients_CT" / f"{number:03d}"
        for z in range(len(hu)):
            if number == 49 and z + 1 == missing:
                continue
            save_jpeg(folder / f"brain/{z + 1}.jpg", to_grey(hu[z], 40, 120), colour=number == 49)
            save_jpeg(folder / f"bone/{z + 1}.jpg", to_grey(hu[z], 700, 3200))
            if drawn[z].any():
                save_jpeg(folder / f"brain/{z + 1}_HGE_Seg.jpg", drawn[z].astype(np.uint8) * 255, quality=60)
        rows += slice_rows(number, drawn)
    write_csv(root / "hemorrhage_diagnosis.csv", [HEADER, *rows])
    write_demographics(root / "patient_demographics.csv", {49})


def pictures(number, shape=(12, 60, 72)):
    """(HU, drawn): smooth pictures that JPEG keeps, a disc of skull, brain that differs from slice to slice."""
    slices, rows, columns = shape
    z, row, column = np.mgrid[:slices, :rows, :columns]
    radius = np.hypot((row - rows / 2) / (rows / 2), (column - columns / 2) / (columns / 2))
    hu = np.where(radius < 0.75, 20.0 + z, np.where(radius < 0.85, 900.0, -1000.0))
    drawn = np.zeros(shape, bool)
    if number == 49:
        drawn[9:11, 22:29, 41:50] = True
    return np.where(drawn, 70.0, hu), drawn
