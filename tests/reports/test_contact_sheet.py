import numpy as np
from PIL import Image
from tiny import made_store

from ichnos.cohorts.slice_store import MARKS
from ichnos.reports import contact_sheet
from ichnos.reports.contact_sheet import draw_contact_sheet, write_contact_sheet

STORE = made_store(count=40, size=32, patients=10)


def test_each_case_has_a_tile(tmp_path):
    write_contact_sheet(STORE, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (8 * 160, 2 * 160)


def test_fewer_tiles_than_cases_are_chosen_by_seed():
    sheets = [np.asarray(draw_contact_sheet(STORE, tiles=3, seed=seed)) for seed in (0, 0, 1)]
    assert sheets[0].shape == (160, 3 * 160, 3)
    np.testing.assert_array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])


def test_the_slice_with_most_blood_is_shown():
    STORE.marks[21] = MARKS["subdural"]
    case = int(STORE.cases[21])
    STORE.labels[21, 0] = 1
    assert contact_sheet._choose_slice(STORE, case) == 21


def test_drawn_blood_is_outlined_and_a_positive_slice_framed():
    sheet = np.asarray(draw_contact_sheet(STORE, tiles=1, seed=3))
    assert (sheet == contact_sheet._OUTLINE).all(axis=2).any()
    assert tuple(sheet[159, 159]) == contact_sheet._FRAME


def test_a_healthy_case_shows_its_middle_without_a_frame():
    healthy = made_store(count=6, size=32, patients=2)
    healthy.labels[:] = 0
    assert contact_sheet._choose_slice(healthy, 1) == 4
    assert tuple(np.asarray(draw_contact_sheet(healthy))[159, 159]) != contact_sheet._FRAME
