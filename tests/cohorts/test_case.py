from pathlib import Path

import pytest

from ichnos.cohorts.case import Case


def test_a_case_is_only_told_what_is_known():
    case = Case("scan-1", "patient-1", (Path("ct"),))
    assert not case.slice_labels
    assert not case.scan_labels
    assert not case.masks
    assert case.brain_mask is None


def test_a_case_does_not_change():
    with pytest.raises(AttributeError):
        Case("scan-1", "patient-1", ()).patient = "other"
