"""What a head CT is, how it comes in and how a mask goes out."""

from ichnos.scans.geometry import Geometry
from ichnos.scans.read import read_mask, read_scan
from ichnos.scans.scan import AIR_HU, IMAGE_ORDER, Mask, Scan, Source, Turn
from ichnos.scans.write import write_dicom_series, write_map, write_mask, write_nifti

__all__ = [
    "AIR_HU",
    "IMAGE_ORDER",
    "Geometry",
    "Mask",
    "Scan",
    "Source",
    "Turn",
    "read_mask",
    "read_scan",
    "write_dicom_series",
    "write_map",
    "write_mask",
    "write_nifti",
]
