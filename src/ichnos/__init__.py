"""Ichnos: label-efficient segmentation of intracranial hemorrhage in head CT.

>>> import ichnos
>>> scan = ichnos.read_scan("ct/")  # doctest: +SKIP
>>> result = ichnos.load_segmenter()(scan)  # doctest: +SKIP
>>> result.volume_ml  # doctest: +SKIP

Names are loaded when they are first used, so that `import ichnos` costs nothing.
Research use only.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ichnos.errors import IchnosError as IchnosError
    from ichnos.phantoms import Phantom as Phantom
    from ichnos.phantoms import PhantomSettings as PhantomSettings
    from ichnos.phantoms import make_phantom as make_phantom
    from ichnos.reports.overlay import write_overlay as write_overlay
    from ichnos.scans import Mask as Mask
    from ichnos.scans import Scan as Scan
    from ichnos.scans import read_mask as read_mask
    from ichnos.scans import read_scan as read_scan
    from ichnos.scans import write_mask as write_mask
    from ichnos.segmentation.segmentation import Segmentation as Segmentation
    from ichnos.segmentation.segmenter import Segmenter as Segmenter
    from ichnos.segmentation.segmenter import load_segmenter as load_segmenter

_HOMES = {
    "IchnosError": "ichnos.errors",
    "Mask": "ichnos.scans",
    "Phantom": "ichnos.phantoms",
    "PhantomSettings": "ichnos.phantoms",
    "Scan": "ichnos.scans",
    "Segmentation": "ichnos.segmentation.segmentation",
    "Segmenter": "ichnos.segmentation.segmenter",
    "load_segmenter": "ichnos.segmentation.segmenter",
    "make_phantom": "ichnos.phantoms",
    "read_mask": "ichnos.scans",
    "read_scan": "ichnos.scans",
    "write_mask": "ichnos.scans",
    "write_overlay": "ichnos.reports.overlay",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'ichnos' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
