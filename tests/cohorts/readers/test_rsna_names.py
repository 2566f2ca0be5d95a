from pathlib import Path

import pytest

from ichnos.cohorts.case import Case
from ichnos.cohorts.readers.rsna_names import patients_note, with_rsna_patient


def named(name):
    return with_rsna_patient(Case(name, name, (Path("a.nii"),), identifiers={"own": "1"}))


def test_a_name_tells_patient_and_study_whatever_its_capitals():
    case = named("ID_00A1_ID_ff02")
    assert (case.case, case.patient) == ("ID_00A1_ID_ff02", "ID_00a1")
    assert case.identifiers == {"own": "1", "rsna_patient": "ID_00a1", "rsna_study": "ID_ff02"}


@pytest.mark.parametrize("name", ["case_1", "ID_00a1", "ID_xyz_ID_00a1", "ID_00a1_ID_ff02_copy"])
def test_another_name_tells_nothing(name):
    assert named(name).patient == name
    assert named(name).identifiers == {"own": "1"}


def test_who_is_not_told_is_named():
    assert patients_note([named("ID_1_ID_2")]) == []
    assert patients_note([named("ID_1_ID_2"), named("b")]) == [
        "1 name(s) tell no patient, each is taken as a patient: b"
    ]
