"""Small heads and files that tests of cohorts are made of, written with pydicom and nibabel alone."""

import nibabel
import numpy as np
from scans.dicom_files import AXIAL, ct_slice

SHAPE = (5, 24, 32)
SPACING_MM = (5.0, 0.75, 0.5)
SUBTYPES = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural")


def head_hu(shape=SHAPE, seed=0):
    """Air around a ring of bone around tissue; (slices, rows, columns), each slice different."""
    _, rows, columns = shape
    row, column = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    radius = np.hypot(row, column)
    tissue = np.random.default_rng(seed).integers(15, 60, shape)
    return np.where(radius > 0.9, -1000, np.where(radius > 0.75, 1200, tissue)).astype(np.int16)


def class_map(shape=SHAPE):
    """Class 1 in slice 1, class 5 in slice 2 (two voxels), classes 2 and 4 in slice 3."""
    classes = np.zeros(shape, np.uint8)
    classes[1, 10, 12] = 1
    classes[2, 11, 13:15] = 5
    classes[3, 12, 12], classes[3, 13, 18] = 2, 4
    return classes


def save_nifti(path, canonical, *, flips=(False, False, False), shear_mm=0.0, spacing_mm=SPACING_MM, shift_mm=0.0):
    """Write (slices, rows, columns), feet to head and front to back, as (column, row, slice).

    Args:
        flips: axes (slices, rows, columns) that the file runs through backwards.
        shear_mm: a gantry tilt: how far each slice lies further in front than the one below.
        shift_mm: towards the head, off where it should be.
    """
    slice_mm, row_mm, column_mm = spacing_mm
    affine = np.array(
        [
            [-column_mm, 0, 0, 8.0],
            [0, -row_mm, shear_mm, 9.0],
            [0, 0, slice_mm, -20.0 + shift_mm],
            [0, 0, 0, 1.0],
        ]
    )
    stored = canonical.transpose(2, 1, 0)
    for axis, flipped in enumerate(reversed(flips)):
        if flipped:
            affine[:3, 3] += (stored.shape[axis] - 1) * affine[:3, axis]
            affine[:3, axis] *= -1
            stored = np.flip(stored, axis)
    image = nibabel.Nifti1Image(np.ascontiguousarray(stored), affine)
    image.set_sform(affine, 1)
    image.set_qform(None, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return path


def litter(folder, *, nifti=True):
    """What macOS, Windows and people leave in folders."""
    ending = ".nii.gz" if nifti else ".dcm"
    (folder / "__MACOSX").mkdir(parents=True, exist_ok=True)
    for name in (f"._x{ending}", ".DS_Store", "Thumbs.db", f"__MACOSX/._y{ending}"):
        (folder / name).write_bytes(b"\x00\x05\x16\x07junk")


def write_csv(path, *rows, newline="\n", mark=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((mark + newline.join(rows) + newline).encode())
    return path


def rsna_slice(name, hu, z, *, series="ID_series01", patient="ID_aaaaaaaa", orientation=AXIAL, **changes):
    """A slice as RSNA 2019 has them: hardly any tags, identifiers that are no UIDs, several windows."""
    changes = {"SOPInstanceUID": name, "SeriesInstanceUID": series, "PatientID": patient} | changes
    dataset = ct_slice(hu.astype(int), z=z, orientation=orientation, **changes)
    dataset.StudyInstanceUID = f"ID_study_{series[3:]}"
    dataset.WindowCenter, dataset.WindowWidth = [40, 80], [80, 2000]
    for keyword in ("SeriesNumber", "SliceThickness", "ImageType", "PatientName"):
        delattr(dataset, keyword)
    return dataset


def rsna_rows(name, labels):
    """Six rows of the table for one image; labels in the order any, epidural, ..."""
    return [f"{name}_{kind},{label}" for kind, label in zip((*SUBTYPES, "any"), (*labels[1:], labels[0]), strict=True)]
