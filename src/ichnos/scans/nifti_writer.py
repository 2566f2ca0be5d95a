"""Writing arrays as NIfTI on the grid that they came from."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from jaxtyping import Float, Shaped

from ichnos.errors import UsageError
from ichnos.runtime.files import replacing
from ichnos.scans.geometry import POSITION_TOLERANCE_MM, Geometry
from ichnos.scans.nifti import ENDINGS, is_nifti
from ichnos.scans.scan import Source
from ichnos.scans.sidecar import sidecar_path, write_sidecar

SCANNER_CODE = 1
"""NIfTI xform code for coordinates of the scanner, which is what DICOM positions are."""

QFORM_TOLERANCE_MM = 0.01
"""A qform that misplaces a corner of the grid by more is not written: it cannot hold shear."""


def save_nifti(
    voxels: Shaped[np.ndarray, "slices rows columns"], geometry: Geometry, source: Source, path: Path
) -> tuple[str, ...]:
    """Write a canonical array on its source's grid, with a JSON beside it where slices are uneven.

    Args:
        voxels: in a type that NIfTI can store.
        geometry: of `voxels`.
        source: whose grid is used: its axis order, its flips and, for NIfTI, its affine to the bit.
        path: ends in .nii or .nii.gz.

    Returns:
        What the user should know: a line if the JSON had to be written.

    Raises:
        UsageError: `path` ends otherwise.
    """
    if not is_nifti(path):
        raise UsageError(f"{path}: a NIfTI file must end in {' or '.join(ENDINGS)}; rename it")
    affine = _grid_affine(geometry, source)
    stored = np.ascontiguousarray(source.turn.to_source(voxels))
    image = nibabel.Nifti1Image(stored, affine)
    _set_forms(image, affine)
    even = geometry.is_affine
    path.parent.mkdir(parents=True, exist_ok=True)
    write_sidecar(path, None if even else _stored_origins_mm(geometry, source))
    with replacing(path) as temporary:
        nibabel.save(image, temporary)
    if even:
        return ()
    gaps_mm = geometry.gaps_mm
    return (
        f"{path}: slices are unevenly spaced ({gaps_mm.min():.2f} to {gaps_mm.max():.2f} mm), which NIfTI "
        f"cannot represent; the true positions are in {sidecar_path(path).name} beside it",
    )


def _grid_affine(geometry: Geometry, source: Source) -> Float[np.ndarray, "4 4"]:
    """Affine of the source's grid: its own if it still fits the geometry, else worked out."""
    worked_out = source.turn.source_affine(geometry)
    own = source.affine
    if own is not None and np.allclose(own, worked_out, rtol=0, atol=POSITION_TOLERANCE_MM):
        return own
    return worked_out


def _stored_origins_mm(geometry: Geometry, source: Source) -> Float[np.ndarray, "k 3"]:
    """Centres of the voxels (i=0, j=0) for each k, from `slices` and the flips of the source."""
    turn = source.turn
    if turn.axes[0] != 2:
        raise UsageError("uneven slices can only be written along the third NIfTI axis; use Source() instead")
    row = float(geometry.rows - 1) if turn.flipped[1] else 0.0
    column = float(geometry.columns - 1) if turn.flipped[2] else 0.0
    z = np.arange(len(geometry.origins_mm))
    z = z[::-1] if turn.flipped[0] else z
    return geometry.points_mm(z, np.full(len(z), row), np.full(len(z), column))


def _set_forms(image: Any, affine: Float[np.ndarray, "4 4"]) -> None:  # noqa: ANN401 - nibabel has no types
    """Set sform, and qform too unless the affine is sheared; sizes are in mm."""
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, SCANNER_CODE, update_affine=False)
    corner = np.array([*image.shape, 1.0])
    drift_mm = np.abs(image.get_qform() @ corner - affine @ corner).max()
    if drift_mm > QFORM_TOLERANCE_MM:
        image.set_qform(None, 0, update_affine=False)
    image.set_sform(affine, SCANNER_CODE, update_affine=False)
