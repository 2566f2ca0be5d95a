"""Write a tilted, unevenly spaced scan as DICOM, read it back, and find every millilitre again.

Run: python examples/02_exact_geometry.py
Exercise: write the scan as NIfTI instead (`ichnos.scans.write_nifti`) and delete the JSON beside it.
"""

import tempfile
from pathlib import Path

import ichnos
from ichnos.scans import write_dicom_series


def main() -> None:
    settings = ichnos.PhantomSettings(
        slices=20, rows=128, columns=128, tilt_degrees=(18.5, 18.5), uneven_probability=1.0, bleed_probability=1.0
    )
    phantom = ichnos.make_phantom(seed=3, settings=settings)
    with tempfile.TemporaryDirectory() as folder:
        write_dicom_series(phantom.scan, Path(folder) / "ct")
        scan = ichnos.read_scan(Path(folder) / "ct")
    truth = ichnos.Mask(phantom.bleed_mask, phantom.scan.geometry)
    again = ichnos.Mask(phantom.bleed_mask, scan.geometry)
    print(f"tilt {scan.geometry.tilt_degrees:.1f} degrees, gaps {scan.geometry.gaps_mm.round(2)} mm")
    print(f"volume {truth.volume_ml:.3f} mL before, {again.volume_ml:.3f} mL after")
    print(f"centroid {truth.centroid_mm.round(3)} mm before, {again.centroid_mm.round(3)} mm after")


if __name__ == "__main__":
    main()
