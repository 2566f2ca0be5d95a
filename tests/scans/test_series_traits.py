import pytest
from scans.dicom_files import AXIAL, ct_slice, save, tilted

from ichnos.scans.dicom_headers import read_headers
from ichnos.scans.inputs import input_files
from ichnos.scans.series_traits import (
    has_bone_kernel,
    has_contrast,
    is_axial,
    is_derived,
    is_of_head,
    why_unusable,
)


@pytest.fixture
def header(tmp_path):
    def make(**elements):
        save(ct_slice(**elements), tmp_path / "1")
        with input_files([tmp_path]) as files:
            (header,), _ = read_headers(files)
        return header

    return make


@pytest.mark.parametrize(
    ("description", "agent", "expected"),
    [
        ("Head 5.0 H31s", None, False),
        ("Head C+ 5.0", None, True),
        ("HEAD +C", None, True),
        ("post contrast", None, True),
        ("CTA head", None, True),
        ("CT Angio", None, True),
        ("Perfusion 4D", None, True),
        ("PreMonitoring", None, True),
        ("Head with contrast", None, True),
        ("Head w/o contrast", None, False),
        ("Head without contrast", None, False),
        ("non-contrast head", None, False),
        ("NON CON HEAD", None, False),
        ("NCCT", None, False),
        ("unenhanced", None, False),
        ("Head C-", None, False),
        ("C-spine CTA", None, True),
        ("alternative CTA", None, True),
        ("Head", "Omnipaque 300", True),
        ("Head", "NONE", False),
        ("Head", "CONTRAST", True),
        ("Head", "", False),
        ("Soft tissue 5mm", None, False),
        ("Acute stroke", None, False),
        ("CT 4cc sec 150cc D3D on", None, True),
        ("CT ORAL IV", None, True),
        ("CT C THIN", None, True),
        ("CT PRE CONTRAST THIN", None, False),
        ("CT PLAIN THIN", None, False),
    ],
)
def test_contrast(header, description, agent, expected):
    elements = {} if agent is None else {"ContrastBolusAgent": agent}
    assert has_contrast(header(SeriesDescription=description, **elements)) is expected


@pytest.mark.parametrize(
    ("kernel", "bone"),
    [
        *[("H31s", False), ("J30s", False), ("H60s", True), (["Hr59f", "3"], True), (["Hc40f", "3"], False)],
        *[("STANDARD", False), ("SOFT", False), ("BONE", True), ("BONEPLUS", True), ("EDGE", True), ("STD+", False)],
        *[("FC21", False), ("FC68", False), ("FC30", True), ("FC81", True), ("FC52", True)],
        *[("UB", False), ("B", False), ("YB", True), ("D", True), ("", False)],
    ],
    ids=str,
)
def test_bone_kernel(header, kernel, bone):
    assert has_bone_kernel(header(ConvolutionKernel=kernel)) is bone


def test_bone_by_description(header):
    assert has_bone_kernel(header(SeriesDescription="HEAD BONE 1.25"))


@pytest.mark.parametrize(
    ("orientation", "axial"),
    [
        (AXIAL, True),
        (tilted(30), True),
        ((1, 0, 0, 0, 0, -1), False),
        ((0, 1, 0, 0, 0, -1), False),
        ((-1, 0, 0, 0, 1, 0), True),
    ],
    ids=str,
)
def test_axial(header, orientation, axial):
    assert is_axial(header(orientation=orientation)) is axial


@pytest.mark.parametrize(
    ("image_type", "derived"),
    [
        (["ORIGINAL", "PRIMARY", "AXIAL"], False),
        (["ORIGINAL", "SECONDARY", "AXIAL"], False),
        (["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"], True),
        (["ORIGINAL", "PRIMARY", "MPR"], True),
    ],
)
def test_derived(header, image_type, derived):
    assert is_derived(header(ImageType=image_type)) is derived


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"BodyPartExamined": "HEAD"}, True),
        ({"SeriesDescription": "Brain 5mm", "BodyPartExamined": "CHEST"}, True),
        ({"BodyPartExamined": "ABDOMEN"}, False),
        ({"SeriesDescription": "5mm"}, None),
        ({"SeriesDescription": "CT HRCT"}, False),
    ],
)
def test_of_head(header, elements, expected):
    assert is_of_head(header(**elements)) is expected


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({}, None),
        ({"Modality": "MR"}, "modality MR"),
        ({"Modality": None}, "modality unknown"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"SeriesDescription": "Scout 1.0"}, "localizer"),
        ({"SamplesPerPixel": 3}, "colour"),
        ({"ImageOrientationPatient": None}, "no valid image orientation, such as a screen capture"),
        ({"orientation": (1, 0, 0, 0, 0, -1)}, "not axial"),
        ({"RescaleType": "Z_EFF"}, "Z_EFF values, not HU"),
    ],
)
def test_why_unusable(header, elements, reason):
    assert why_unusable(header(**elements)) == reason


def test_dose_report_is_no_image(header):
    report = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67", "Rows": None, "Columns": None}
    assert why_unusable(header(**report)) == "no image, such as a dose report"
