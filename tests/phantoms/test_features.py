import numpy as np
import pytest

from ichnos.errors import UsageError
from ichnos.phantoms import PhantomSettings, features
from ichnos.phantoms.features import draw_features


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(features, "FEATURES", {"hat": "a hat", "scarf": "a scarf"})


def test_odds_are_kept(known):
    drawn = [draw_features(seed, {"hat": 0.25, "scarf": 1.0}) for seed in range(2000)]
    assert 0.22 < np.mean(["hat" in one for one in drawn]) < 0.28
    assert all("scarf" in one for one in drawn)
    assert not any("hat" in draw_features(seed, {}) for seed in range(20))


def test_a_feature_does_not_change_with_the_others(known):
    alone, together = draw_features(5, {"hat": 0.5}), draw_features(5, {"scarf": 0.5, "hat": 0.5})
    assert ("hat" in alone) == ("hat" in together)
    assert alone.stream("hat").random() == together.stream("hat").random()
    assert alone.stream("hat").random() != alone.stream("scarf").random()


def test_unknown_names_and_odds_are_refused_in_one_line():
    with pytest.raises(UsageError, match="no feature is called 'hat'"):
        PhantomSettings(features={"hat": 0.5})
