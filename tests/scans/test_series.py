import pytest
from scans.dicom_files import ct_slice, save, save_series, uid

from ichnos.errors import ModalityError, UsageError
from ichnos.scans.dicom_headers import read_headers
from ichnos.scans.inputs import input_files
from ichnos.scans.series import choose_series

HEIGHTS = (0, 5, 10, 15)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SCOUT = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


def choose(folder, wanted=None):
    with input_files([folder]) as files:
        headers, _ = read_headers(files)
    return choose_series(headers, wanted=wanted, where="study")


def test_lone_series_needs_no_reason(tmp_path):
    save_series(tmp_path, HEIGHTS)
    choice = choose(tmp_path)
    assert (len(choice.headers), choice.reason, choice.warnings) == (4, None, ())


WORSE = {
    "repeats slice positions": {"heights": (0, 5, 5, 10, 10, 15)},
    "contrast": {"ContrastBolusAgent": "Iohexol", "heights": (0, 3, 6, 9, 12, 15)},
    "derived": {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"], "heights": (0, 3, 6, 9, 12, 15)},
    "not known to show the head": {"BodyPartExamined": "NECK", "heights": (0, 3, 6, 9, 12, 15)},
    "covers a part only": {"heights": (0, 1, 2, 3, 4, 5)},
    "bone kernel": {"ConvolutionKernel": "H60s", "heights": (0, 3, 6, 9, 12, 15)},
    "fewer slices": {"heights": (0, 7, 15)},
    "equal, but numbered later": {},
}


@pytest.mark.parametrize("reason", WORSE)
@pytest.mark.parametrize("numbers", ["12", "21"])
def test_preferences(tmp_path, reason, numbers):
    better, worse = numbers if reason != "equal, but numbered later" else "12"
    elements = {"BodyPartExamined": "HEAD", "heights": HEIGHTS} | WORSE[reason]
    save_series(tmp_path, HEIGHTS, series=better, BodyPartExamined="HEAD")
    save_series(tmp_path, series=worse, **elements)
    choice = choose(tmp_path)
    assert {header.series_number for header in choice.headers} == {better}
    count = len(elements["heights"])
    assert choice.reason == f"took series {better} (4 slices); not series {worse} ({count} slices): {reason}"


def test_unusable_series_are_left_out(tmp_path):
    save_series(tmp_path, HEIGHTS[:2], series="3", SeriesDescription="Head")
    save_series(tmp_path, HEIGHTS, series="1", ImageType=SCOUT)
    save_series(tmp_path, HEIGHTS, series="2", orientation=CORONAL)
    save_series(tmp_path, HEIGHTS, series="4", Modality="MR")
    assert choose(tmp_path).reason == (
        "took series 3 'Head' (2 slices); not series 1 (4 slices): localizer, "
        "not series 2 (4 slices): not axial, not series 4 (4 slices): modality MR"
    )


def test_series_with_the_same_title_are_told_apart(tmp_path):
    save_series(tmp_path, HEIGHTS, series="1")
    for z in HEIGHTS:
        save(ct_slice(z=z, series="2", SeriesNumber="1", ImageType=SCOUT), tmp_path / f"scout-{z}")
    assert len(choose(tmp_path).headers) == 4


@pytest.mark.parametrize("wanted", ["2", str(uid("series", "2"))])
def test_wanted_series_overrides(tmp_path, wanted):
    save_series(tmp_path, HEIGHTS, series="1")
    save_series(tmp_path, HEIGHTS[:2], series="2", ContrastBolusAgent="Iohexol")
    save_series(tmp_path, HEIGHTS[:2], series="3", ImageType=SCOUT)
    choice = choose(tmp_path, wanted)
    assert len(choice.headers) == 2
    assert choice.reason == "took series 2 (2 slices), as asked for"
    assert choice.warnings == ("series 2 (2 slices) seems to be contrast-enhanced",)


def test_unknown_wanted_series_lists_what_there_is(tmp_path):
    save_series(tmp_path, HEIGHTS, series="1", SeriesDescription="Head")
    expected = rf"study: no series '9'; it holds series 1 'Head' \(4 slices\) {uid('series', '1')}"
    with pytest.raises(UsageError, match=expected):
        choose(tmp_path, "9")


def test_wanted_localizer_is_refused(tmp_path):
    save_series(tmp_path, HEIGHTS, series="1", ImageType=SCOUT)
    with pytest.raises(ModalityError, match=r"no axial CT .*series 1 \(4 slices\): localizer"):
        choose(tmp_path, "1")


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"Modality": "MR"}, "modality MR"),
        ({"ImageType": SCOUT}, "localizer"),
        ({"SamplesPerPixel": 3}, "colour"),
        ({"orientation": CORONAL}, "not axial"),
    ],
)
def test_nothing_usable(tmp_path, elements, reason):
    save_series(tmp_path, HEIGHTS, **elements)
    expected = rf"^study: no axial CT among the images \(series 1 \(4 slices\): {reason}\); give a head CT$"
    with pytest.raises(ModalityError, match=expected):
        choose(tmp_path)
