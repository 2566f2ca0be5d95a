"""Phantoms of a tenth of a second, written as `ichnos phantom` does."""

from functools import cache

from tiny import SETTINGS

from ichnos.phantoms import make_phantom, phantom_name, write_phantom

SEEDS = (11, 12, 13, 14)


@cache
def made():
    """The phantoms by name."""
    return {phantom_name(seed): make_phantom(seed, SETTINGS) for seed in SEEDS}


def write_phantoms(root):
    """Half of them as NIfTI, half as DICOM."""
    for place, phantom in enumerate(made().values()):
        write_phantom(phantom, root, "dicom" if place % 2 else "nifti")
