from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ichnos.phantoms.bleed import Bleed
from ichnos.phantoms.bleed_paint import filled_distance, paint_bleeds
from ichnos.phantoms.tissue import Plane, csf_distance, draw_radiodensity

HU = replace(draw_radiodensity(np.random.default_rng(0)), grey=36.0, white=26.0, cerebrospinal=6.0)
ACROSS = np.tile(np.arange(-10.0, 10.0, dtype=np.float32), (4, 1))


class Strip(Plane):
    """A plane of 1 mm pixels whose fields are given."""

    def __init__(self, **fields):
        blank = np.zeros((4, 20), np.float32)
        self.pixel_mm, self.grain, self.subject = 1.0, blank, None
        self._fields = {"cavity": blank - 30.0, "ventricles": blank + 30.0, "gap": blank, "drift": blank}
        self._fields |= {name.replace("_", "-"): values for name, values in fields.items()}

    def __getitem__(self, name):
        return self._fields[name]

    def has(self, name):
        return name in self._fields

    def meets(self, name, below=1.0):
        return bool(self._fields[name].min() < below)


def made(subtype="intraparenchymal", **choices):
    return Bleed(subtype, lambda points, fields: points.x, 60.0, 0.0, **choices)


def painted(bleed, base=30.0, **fields):
    image, shares = paint_bleeds(np.full((4, 20), base, np.float32), Strip(bleed_0=ACROSS, **fields), (bleed,), HU)
    return image[0], shares


def test_blood_has_its_density_and_the_rest_is_left():
    row, shares = painted(made())
    assert row[:10].tolist() == [60.0] * 10
    assert row[10] == 45.0
    assert row[11:].tolist() == [30.0] * 9
    assert [subtype for subtype, _ in shares] == ["intraparenchymal"]


def test_a_soft_edge_spreads_but_keeps_the_middle():
    row, shares = painted(made(edge_mm=4.0))
    assert row[10] == 45.0
    assert 30.0 < row[12] < 45.0 < row[8] < 60.0
    assert shares[0][1].sum() == pytest.approx(4 * 10.5, abs=0.1)


def test_a_level_parts_dark_from_dense_and_shade_is_added():
    level = np.array([[-5.0], [-5.0], [5.0], [5.0]], np.float32) + 0.0 * ACROSS
    bleed = made(level=lambda p, r: r, upper_hu=20.0, shade=lambda p, r: r)
    fields = {"bleed_0": ACROSS, "level_0": level, "shade_0": np.full_like(ACROSS, 3.0)}
    image, _ = paint_bleeds(np.full((4, 20), 30.0, np.float32), Strip(**fields), (bleed,), HU)
    assert image[:, 0].tolist() == [63.0, 63.0, 23.0, 23.0]


def test_a_halo_darkens_white_matter_more_than_grey_and_leaves_fluid():
    bleed = made(halo=lambda p, r: r, oedema_mm=6.0, oedema_hu=10.0)
    white, grey, fluid = (painted(bleed, base, halo_0=ACROSS - 6.0)[0] for base in (26.0, 36.0, 6.0))
    assert white[12] == pytest.approx(16.0)
    assert grey[12] == pytest.approx(33.0)
    assert fluid[12] == 6.0
    assert white[19] == 26.0
    assert white[0] == 60.0


@pytest.mark.parametrize(("breaks_in", "expected"), [(False, 5.0), (True, -5.0)])
def test_a_large_bleed_fills_the_ventricle_that_it_meets(breaks_in, expected):
    plane = Strip(ventricles=np.full((4, 20), -5.0, np.float32))
    distance = filled_distance(made(breaks_in=breaks_in), np.full((4, 20), -5.0, np.float32), plane)
    assert (distance == expected).all()


def test_soft_template_tissue_is_never_filled_however_far_blood_distends():
    blank = np.zeros((4, 20), np.float32)
    plane = Strip(tissue=blank + 1.0, cut=blank + 0.4)
    plane.subject = SimpleNamespace(soft_mm=2.5)
    assert (csf_distance(plane, widened_mm=9.0) > 0.7).all()
    assert csf_distance(plane, widened_mm=0.5) == pytest.approx(blank + 1.0)
