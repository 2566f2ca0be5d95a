"""NIfTI files that lie among those of a collection and that its reader made nothing of."""

import os
from dataclasses import replace
from pathlib import Path

from ichnos.cohorts.case import Cohort, Skipped
from ichnos.scans.inputs import is_junk, walk_files
from ichnos.scans.nifti import is_nifti

REASON = "belongs to no case: its place or name is not of this collection"


def tell_strays(cohort: Cohort) -> Cohort:
    """The cohort, with every NIfTI file among `skipped` that is neither part of a case nor told already.

    Looked at is the smallest folder that holds all files of all cases; what lies beside it may be
    another collection.
    """
    used = {file for case in cohort.cases for file in (*case.files, *case.masks.values(), case.brain_mask) if file}
    if not used:
        return cohort
    top = Path(os.path.commonpath([file.parent for file in used]))
    told = {place for one in cohort.skipped for place in (Path(one.name), cohort.root / one.name)}
    strays = [
        Skipped(str(file), REASON)
        for file in walk_files(top)
        if is_nifti(file)
        and not is_junk(file.relative_to(top))
        and file not in used
        and told.isdisjoint((file, *file.parents))
    ]
    return replace(cohort, skipped=(*cohort.skipped, *strays))
