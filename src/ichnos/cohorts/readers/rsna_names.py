"""Names that tell the patient and the study in RSNA 2019: BHSD, MBH-Seg and copies of them keep these."""

import re
from collections.abc import Sequence
from dataclasses import replace

from ichnos.cohorts.case import Case
from ichnos.cohorts.readers.layout import few

RSNA_NAME = re.compile(r"ID_([0-9a-f]+)_ID_([0-9a-f]+)$", re.IGNORECASE)


def with_rsna_patient(case: Case) -> Case:
    """The case with the patient and study that its name tells; as it is if the name tells none."""
    found = RSNA_NAME.search(case.case)
    if found is None:
        return case
    patient, study = (f"ID_{part.lower()}" for part in found.groups())
    told = {"rsna_patient": patient, "rsna_study": study}
    return replace(case, patient=patient, identifiers=dict(case.identifiers) | told)


def patients_note(cases: Sequence[Case]) -> list[str]:
    """A note where names do not tell the patient."""
    alone = [case.case for case in cases if "rsna_patient" not in case.identifiers]
    return [f"{len(alone)} name(s) tell no patient, each is taken as a patient: {few(alone)}"] if alone else []
