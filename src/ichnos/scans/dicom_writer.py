"""Writing a scan as a series of CT Image Storage files, without any patient name.

The same scan and the same arguments give the same bytes: unique identifiers are hashes.
"""

import hashlib
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt16
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from ichnos.errors import GeometryError, PixelError, UsageError
from ichnos.runtime.files import replacing
from ichnos.scans.geometry import Geometry
from ichnos.scans.scan import Scan

RESCALE_INTERCEPT_HU = -1024
HIGHEST_HU = 65535 + RESCALE_INTERCEPT_HU
LPS_FROM_RAS = np.array([-1.0, -1.0, 1.0])
RIGHT_ANGLE_TOLERANCE = 1e-4
"""Largest cosine between rows and columns that still counts as a right angle (DICOM PS3.3 C.7.6.2.1.1)."""

IMPLEMENTATION = "ICHNOS"
DATE, TIME = "20000101", "000000"
"""Fixed, so that the same scan gives the same bytes."""


def save_dicom_series(
    scan: Scan, folder: Path, *, description: str = "", patient_id: str = "", entropy: str = ""
) -> tuple[Path, ...]:
    """Write one file a slice, `0001.dcm` at the feet; see `write_dicom_series`."""
    _check(scan, folder)
    stored = np.rint(scan.voxels_hu - RESCALE_INTERCEPT_HU).astype(np.uint16)
    seed = _digest(scan, description, patient_id, entropy)
    written = []
    for z in range(len(stored)):
        dataset = _slice_dataset(scan.geometry, stored[z], z, seed)
        dataset.SeriesDescription, dataset.PatientID = description, patient_id
        path = folder / f"{z + 1:04d}.dcm"
        with replacing(path) as temporary:
            dataset.save_as(temporary, enforce_file_format=True)
        written.append(path)
    return tuple(written)


def _check(scan: Scan, folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty; a series needs a folder of its own, give another or clear it")
    low, high = float(scan.voxels_hu.min()), float(scan.voxels_hu.max())
    if not (low >= RESCALE_INTERCEPT_HU and high <= HIGHEST_HU):
        raise PixelError(
            f"values from {low:g} to {high:g} HU do not fit into DICOM's 16 bits "
            f"({RESCALE_INTERCEPT_HU} to {HIGHEST_HU} HU); clip them first"
        )
    cosine = float(np.abs(_dot(*_unit_axes(scan.geometry))).max())
    if cosine > RIGHT_ANGLE_TOLERANCE:
        raise GeometryError(
            f"rows and columns meet at {np.degrees(np.arccos(cosine)):.2f} degrees; DICOM needs a right angle"
        )


def _digest(scan: Scan, *texts: str) -> str:
    """Hash of all that makes the series, to derive its identifiers from."""
    geometry = scan.geometry
    digest = hashlib.sha256(repr(texts).encode())
    for array in (scan.voxels_hu, geometry.origins_mm, geometry.row_steps_mm, geometry.column_steps_mm):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _slice_dataset(geometry: Geometry, stored: UInt16[np.ndarray, "rows columns"], z: int, seed: str) -> Dataset:
    dataset = Dataset()
    _identify(dataset, seed, z)
    _place(dataset, geometry, z)
    _fill(dataset, stored)
    return dataset


def _identify(dataset: Dataset, seed: str, z: int) -> None:
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = _uid(seed, f"slice {z}")
    dataset.StudyInstanceUID = _uid(seed, "study")
    dataset.SeriesInstanceUID = _uid(seed, "series")
    dataset.FrameOfReferenceUID = _uid(seed, "frame of reference")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = _uid("", IMPLEMENTATION)
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION
    dataset.PatientName = dataset.PatientBirthDate = dataset.PatientSex = ""
    dataset.StudyID = dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.StudyDate, dataset.StudyTime = DATE, TIME
    dataset.SeriesNumber, dataset.AcquisitionNumber, dataset.InstanceNumber = 1, 1, z + 1
    dataset.Modality, dataset.Manufacturer, dataset.BodyPartExamined = "CT", "ichnos", "HEAD"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.KVP = dataset.PositionReferenceIndicator = None
    dataset.PatientPosition = "HFS"


def _place(dataset: Dataset, geometry: Geometry, z: int) -> None:
    along_row, along_column = (axes[z] for axes in _unit_axes(geometry))
    row_mm = float(np.linalg.norm(geometry.row_steps_mm[z]))
    column_mm = float(np.linalg.norm(geometry.column_steps_mm[z]))
    dataset.ImagePositionPatient = _decimals(geometry.origins_mm[z] * LPS_FROM_RAS)
    dataset.ImageOrientationPatient = _decimals(np.concatenate([along_row, along_column]))
    dataset.PixelSpacing = _decimals(np.array([row_mm, column_mm]))
    dataset.SliceThickness = _decimals(geometry.slice_extents_mm[z : z + 1])[0]
    dataset.SliceLocation = _decimals(geometry.positions_mm[z : z + 1])[0]


def _fill(dataset: Dataset, stored: UInt16[np.ndarray, "rows columns"]) -> None:
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, RESCALE_INTERCEPT_HU, "HU"
    dataset.WindowCenter, dataset.WindowWidth = 40, 80
    little_endian = stored.astype("<u2").tobytes()
    dataset.PixelData = little_endian + b"\0" * (len(little_endian) % 2)


def _unit_axes(geometry: Geometry) -> tuple[Float[np.ndarray, "slices 3"], Float[np.ndarray, "slices 3"]]:
    """LPS+ unit vectors along a row (to the next column) and along a column (to the next row)."""
    along_row, along_column = (
        steps / np.linalg.norm(steps, axis=1, keepdims=True) * LPS_FROM_RAS
        for steps in (geometry.column_steps_mm, geometry.row_steps_mm)
    )
    return along_row, along_column


def _dot(one: Float[np.ndarray, "slices 3"], other: Float[np.ndarray, "slices 3"]) -> Float[np.ndarray, " slices"]:
    return np.asarray(np.einsum("zi,zi->z", one, other))


def _decimals(values: Float[np.ndarray, " n"]) -> list[str]:
    """Numbers as DICOM decimal strings, as exact as 16 characters allow."""
    return [format_number_as_ds(float(value) + 0.0) for value in values]


def _uid(seed: str, role: str) -> UID:
    return generate_uid(entropy_srcs=[seed, role])
