"""Slice positions that NIfTI cannot hold, in a JSON file beside it.

NIfTI has one affine, so its slices are evenly spaced. Where the true ones are not, they go to
`x.json` beside `x.nii.gz`, under `ichnos_slice_origins_mm`.
"""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float

from ichnos.errors import GeometryError
from ichnos.runtime.files import write_json

ORIGINS_KEY, NOTE_KEY = "ichnos_slice_origins_mm", "ichnos_slice_origins_note"
NOTE = (
    "Slices are not evenly spaced, which the NIfTI affine cannot say: it is right for the first and last "
    "slice only. The true centre of voxel (i=0, j=0) of each slice k, in RAS+ mm, stands here, k ascending."
)
AGREEMENT_MM = 0.1
"""How closely first and last slice must agree between affine and JSON: NIfTI stores 24-bit floats."""


def sidecar_path(path: Path) -> Path:
    """`x.json` for `x.nii` and `x.nii.gz`."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def write_sidecar(path: Path, origins_mm: Float[np.ndarray, "k 3"] | None) -> None:
    """Write the true slice origins beside the NIfTI at `path`, or take old ones away if None.

    Other keys of an existing JSON are kept.

    Raises:
        GeometryError: there is a JSON file that cannot be understood.
    """
    place = sidecar_path(path)
    kept = {key: value for key, value in _content(place).items() if key not in {ORIGINS_KEY, NOTE_KEY}}
    if origins_mm is not None:
        write_json(place, kept | {NOTE_KEY: NOTE, ORIGINS_KEY: origins_mm.tolist()})
    elif kept:
        write_json(place, kept)
    else:
        place.unlink(missing_ok=True)


def read_sidecar(path: Path, affine: Float[np.ndarray, "4 4"], slices: int) -> Float[np.ndarray, "k 3"] | None:
    """Read the true slice origins beside the NIfTI at `path`; None if there are none.

    Args:
        path: of the NIfTI.
        affine: of the NIfTI, (i, j, k, 1) to RAS+ mm.
        slices: length of axis k.

    Raises:
        GeometryError: the JSON cannot be understood, or does not belong to this NIfTI.
    """
    place = sidecar_path(path)
    content = _content(place)
    if ORIGINS_KEY not in content:
        return None
    try:
        origins_mm = np.array(content[ORIGINS_KEY], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise GeometryError(f"{place}: {ORIGINS_KEY} is not a list of three numbers a slice; restore it") from error
    if origins_mm.shape != (slices, 3) or not np.isfinite(origins_mm).all():
        raise GeometryError(
            f"{place}: {ORIGINS_KEY} has shape {origins_mm.shape}, but {path.name} has {slices} slices; "
            "put back the file that belongs to it"
        )
    ends = affine[:3, 3] + np.array([[0], [slices - 1]]) * affine[:3, 2]
    apart_mm = float(np.abs(ends - origins_mm[[0, -1]]).max())
    if apart_mm > AGREEMENT_MM:
        raise GeometryError(
            f"{place}: {ORIGINS_KEY} lies {apart_mm:.2f} mm off the affine of {path.name}; "
            "the image was changed after it was written, remove the key or restore the image"
        )
    return origins_mm


def _content(place: Path) -> dict[str, object]:
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise GeometryError(f"{place}: cannot be read as JSON ({error}); repair or remove it") from error
    return content if isinstance(content, dict) else {}
