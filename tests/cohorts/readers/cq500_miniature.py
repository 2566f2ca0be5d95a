"""CQ500 and Seg-CQ500 in miniature: DICOM studies in zips and folders, NIfTI with sheared affines, tables, junk."""

import csv
import shutil
import zipfile

import nibabel
import numpy as np
from scans.dicom_files import save_series

FINDINGS = (
    *("ICH", "IPH", "IVH", "SDH", "EDH", "SAH", "BleedLocation-Left", "BleedLocation-Right", "ChronicBleed"),
    *("Fracture", "CalvarialFracture", "OtherFracture", "MassEffect", "MidlineShift"),
)
THIN_MM = (0, 1, 2, 3, 4, 5, 6)
"""Heights of the slices of the series that should be taken."""


def write_study(folder, number, *, inner=None):
    """Thin, thick, contrast, bone and chest series of one study, as CQ500 unpacks them."""
    study = folder / (inner or f"CQ500CT{number} CQ500CT{number}") / "Unknown Study"
    series = {
        "CT PLAIN THIN": {"heights": THIN_MM},
        "CT 5mm": {"heights": (0, 3, 6)},
        "CT 4cc sec 150cc D3D on": {"heights": range(14)},
        "CT POST CONTRAST": {"heights": range(13)},
        "CT BONE THIN": {"heights": range(12), "ConvolutionKernel": "BONE"},
        "CT HRCT": {"heights": range(0, 60, 3)},
    }
    for place, (description, options) in enumerate(series.items(), 1):
        save_series(study / description, series=str(10 * number + place), SeriesDescription=description, **options)
    (study / "._CT000000.dcm").write_bytes(b"Mac")
    return study.parent.parent


def write_zip(root, number, *, inner=None, name=None):
    folder = write_study(root / "unpacked", number, inner=inner)
    path = root / (name or f"CQ500-CT-{number}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    shutil.rmtree(root / "unpacked")
    return path


def votes(**findings):
    """Cells of a row by column: a finding's three votes as a string, 0 where it is not named."""
    told = {name.replace("_", "-"): value for name, value in findings.items()}
    return {f"R{r + 1}:{name}": told.get(name, "000")[r].strip() for r in range(3) for name in FINDINGS}


def write_reads(path, rows, *, permuted=False):
    """Rows as (name, batch, cells by column)."""
    columns = ["name", "Category", *(f"R{r}:{name}" for r in (1, 2, 3) for name in FINDINGS)]
    if permuted:
        columns = [columns[place] for place in np.random.default_rng(0).permutation(len(columns))]
    with path.open("w", newline="", encoding="utf-8-sig" if permuted else "utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows({"name": name, "Category": batch, **cells} for name, batch, cells in rows)


SHEARED = np.array([[-0.5, 0, 0, 12], [0, 0.5, 0.35, -9], [0, 0, 5.0, -20], [0, 0, 0, 1]])
"""Gantry tilt: each slice 0.35 mm further to the front than the one below. Axes to left, front and head."""


HEAD_FIRST = np.array([[0.5, 0, 0, -12], [0, -0.5, 0.35, 9], [0, 0, -5.0, 20], [0, 0, 0, 1]])
"""Axes to right, back and feet."""


def write_segmented(root, number, *, affine=SHEARED, value=1):
    """A scan (stored i, j, k) with a box of blood and a larger box of brain; gives the two boxes."""
    shape = (24, 20, 6)
    values = np.random.default_rng(number).integers(0, 80, shape).astype(np.int16)
    values[:2], values[:, :2], values[3:5, 3:5] = -1000, -1000, 900
    bleed, brain = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    bleed[14:18, 5:8, 1:3], brain[6:20, 4:16] = value, value
    folder = root / f"CQ500-CT-{number}"
    folder.mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(values, affine), folder / "CT.nii")
    nibabel.save(nibabel.Nifti1Image(bleed, affine), folder / "ICH_mask.nii.gz")
    nibabel.save(nibabel.Nifti1Image(brain, affine), folder / "brain.nii.gz")
    (folder / "._CT.nii").write_bytes(b"Mac")
    return bleed > 0, brain > 0


def write_info(path, numbers):
    rows = [
        [
            f"CQ500-CT-{n}",
            f"CQ500-CT-{n}/CT.nii",
            f"CQ500-CT-{n}/ICH_mask.nii.gz",
            0.98,
            0.1,
            0.0,
            0.93,
            0.0,
            0.1,
            0.99,
            0.9,
        ]
        for n in numbers
    ]
    header = ["name", "CT_fn", "mask_fn", "ICH", "IPH", "IVH", "SDH", "EDH", "SAH", "MassEffect", "MidlineShift"]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def write_cq500(root):
    """Two zips and a folder two levels down, a shuffled table with a BOM, junk."""
    write_zip(root, 0)
    write_zip(root, 12)
    write_study(root / "qct03", 201)
    rows = [
        ("CQ500-CT-0", "B1", votes(ICH="110", SDH="011", MassEffect="111", Fracture="100")),
        ("CQ500-CT-12", "B2", votes(ICH="010")),
        ("CQ500-CT-201", "B2", votes(ICH="111", EDH="1 0", IPH="101", IVH="11 ")),
    ]
    write_reads(root / "reads.csv", rows, permuted=True)
    (root / "__MACOSX").mkdir()
    (root / "prediction_probabilities.csv").write_text("name\n")


def write_seg_cq500(root):
    """Two studies, sheared by gantry tilt, the second stored from head to feet with a mask of 255; junk."""
    volumes = root / "Seg-CQ500/data/volumes"
    write_segmented(volumes, 243)
    write_segmented(volumes, 9, affine=HEAD_FIRST, value=255)
    write_info(volumes / "info.csv", [243, 9])
    junk = root / "__MACOSX/Seg-CQ500/data/volumes/CQ500-CT-243"
    junk.mkdir(parents=True)
    (junk / "CT.nii").write_bytes(b"Mac")
    return volumes
