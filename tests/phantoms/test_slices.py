import numpy as np
from phantoms.painted_scene import painted


def test_shares_lie_between_nothing_and_all(monkeypatch):
    _, content, layers, _ = painted(monkeypatch, 5, bleed_probability=1.0)
    assert {bleed.subtype for bleed in content.bleeds} == set(layers.bleeds)
    together = sum(layers.bleeds.values())
    for share in (layers.cavity, together):
        assert share.min() >= 0.0
        assert share.max() <= 1.0 + 1e-5


def test_background_is_seen_where_there_is_no_head(monkeypatch):
    _, content, layers, _ = painted(monkeypatch, 5)
    assert np.allclose(layers.voxels_hu[:, 0, 0], content.background[0, 0], atol=1e-2)


def test_thicker_slices_have_softer_edges(monkeypatch):
    _, _, thin, _ = painted(monkeypatch, 6, thickness_planes=1)
    _, _, thick, _ = painted(monkeypatch, 6, thickness_planes=3)

    def partial(layers):
        return ((layers.cavity > 0.1) & (layers.cavity < 0.9)).sum()

    assert partial(thick) > 1.1 * partial(thin)
