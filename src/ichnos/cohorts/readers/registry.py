"""Readers of collections by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ichnos.cohorts.case import Cohort
from ichnos.cohorts.readers.bhsd import open_bhsd
from ichnos.cohorts.readers.cq500 import open_cq500
from ichnos.cohorts.readers.folder import open_folder
from ichnos.cohorts.readers.instance22 import open_instance22
from ichnos.cohorts.readers.mbh_seg import open_mbh_seg
from ichnos.cohorts.readers.nnunet import open_nnunet
from ichnos.cohorts.readers.phantoms import open_phantoms
from ichnos.cohorts.readers.physionet import open_physionet
from ichnos.cohorts.readers.physionet_jpeg import open_physionet_jpeg
from ichnos.cohorts.readers.rsna import open_rsna
from ichnos.cohorts.readers.seg_cq500 import open_seg_cq500
from ichnos.cohorts.readers.strays import tell_strays
from ichnos.errors import CohortError, UsageError
from ichnos.runtime.names import name_unknown

READERS: dict[str, Callable[..., Cohort]] = {
    "bhsd": open_bhsd,
    "cq500": open_cq500,
    "folder": open_folder,
    "instance22": open_instance22,
    "mbh-seg": open_mbh_seg,
    "nnunet": open_nnunet,
    "phantoms": open_phantoms,
    "physionet-ct-ich": open_physionet,
    "physionet-ct-ich-jpeg": open_physionet_jpeg,
    "rsna-2019": open_rsna,
    "seg-cq500": open_seg_cq500,
}
"""Each takes the folder of a collection; what else it takes by name stands in `OPTIONS`."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "bhsd": ("rater",),
    "folder": ("rater",),
    "mbh-seg": ("rater",),
    "rsna-2019": ("cache", "workers"),
}
"""What may be told a reader beside the folder; a reader that is not here takes nothing.

`cache`: a file for what is slow to find out, kept from one run to the next.
`workers`: processes that read headers.
`rater`: whose masks to take where several people drew; their majority by default.
"""


ALL_NIFTI = frozenset({"bhsd", "instance22", "mbh-seg", "nnunet", "seg-cq500"})
"""Collections in whose folders every NIfTI file should be part of a case."""


def open_cohort(name: str, root: Path, **options: Any) -> Cohort:  # noqa: ANN401 - each reader has its own
    """List the cases of the collection at `root`; no pixel is decoded yet.

    Args:
        name: of its reader in `READERS`.
        root: its folder, or a folder that holds it; for `folder` the CSV.
        options: those of `OPTIONS[name]`.

    Raises:
        UsageError: no such reader, or an option that it does not take.
        CohortError: nothing at `root`, or not this collection; tables that cannot be understood.
    """
    if name not in READERS:
        raise UsageError(name_unknown(name, list_readers(), "collection"))
    for option in options:
        if option not in OPTIONS.get(name, ()):
            taken = ", ".join(OPTIONS.get(name, ())) or "no options"
            raise UsageError(f"{name} does not take {option!r}; it takes {taken}")
    if not root.exists():
        raise CohortError(f"{root}: no such file or folder; give the place of the collection {name}")
    cohort = READERS[name](root, **options)
    return tell_strays(cohort) if name in ALL_NIFTI else cohort


def list_readers() -> tuple[str, ...]:
    """Names of the collections that can be read, sorted."""
    return tuple(sorted(READERS))
