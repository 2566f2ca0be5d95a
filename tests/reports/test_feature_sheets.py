import numpy as np
import pytest
from PIL import Image

from ichnos.evaluation.reproduction.content import read_parts
from ichnos.phantoms.features import FEATURES
from ichnos.reports import feature_sheets
from ichnos.reports.feature_sheets import (
    SHOWN_SUBTYPES,
    WINDOWS_HU,
    draw_feature_sheet,
    feature_settings,
    picture_features,
)


@pytest.fixture
def one_head(monkeypatch):
    monkeypatch.setattr(feature_sheets, "SEEDS", (8_000_001,))


def test_every_feature_has_its_row_and_table_line(one_head, tmp_path):
    settings = {"slices": 3, "size": 48, "features": {"scanner": ["kernel"], "pathology": ["oedema"]}}
    assert picture_features(tmp_path, {}, settings) == {"features": 2}
    first, second = read_parts(tmp_path)
    assert first.tables[0].rows[0][:2] == ("kernel", FEATURES["kernel"])
    assert second.pictures[0][0] == "features-pathology.jpg"
    with Image.open(tmp_path / "pictures" / "features-scanner.jpg") as sheet:
        assert sheet.size == (224, 126)


def test_the_pair_differs_by_the_feature_and_is_seeded(one_head):
    one, same = (np.asarray(draw_feature_sheet(["kernel"], 3, 48, bleeding=False)) for _ in range(2))
    assert np.array_equal(one, same)
    without, with_it = one[14:, :112], one[14:, 112:]
    assert not np.array_equal(without, with_it)


def test_all_features_are_drawn():
    assert {name for names in feature_settings().values() for name in names} == set(FEATURES)
    assert set(SHOWN_SUBTYPES) | set(WINDOWS_HU) <= set(FEATURES)
