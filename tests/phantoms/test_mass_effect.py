import numpy as np
import pytest
from phantoms.painted_scene import painted

from ichnos.phantoms.bleed import Bleed
from ichnos.phantoms.features import Features
from ichnos.phantoms.fields import Points
from ichnos.phantoms.mass_effect import (
    LARGEST_MM,
    NODES,
    STEP_MM,
    compress,
    lift,
    lifted_mm,
    mass_effect,
    narrowed_mm,
    nodes,
    origins,
    solved,
)

FULL = Features(1, frozenset({"mass-effect"}))


def round_head(points, radius=75.0):
    return np.sqrt(sum(p**2 for p in points)) - np.float32(radius)


def flux(mass, radius):
    """Mean displacement outwards near a sphere."""
    points = nodes()
    distance = np.sqrt(sum(p**2 for p in points)) + 1e-6
    outward = sum(u * p for u, p in zip(mass.shift_mm, points, strict=True)) / distance
    return float(outward[np.abs(distance - radius) < 4.0].mean())


def test_a_ball_in_a_wide_space_pushes_by_its_volume_over_the_area():
    points = nodes()
    source = np.clip(0.5 - (np.sqrt(sum(p**2 for p in points)) - 20.0) / STEP_MM, 0.0, 1.0).astype(np.float32)
    mass = solved(source, np.full(NODES, -50.0, np.float32), 300.0)
    pushed_ml = float(source.sum()) * STEP_MM**3
    assert flux(mass, 36.0) == pytest.approx(pushed_ml / (4.0 * np.pi * 36.0**2), rel=0.06)


def test_nothing_flows_through_the_skull_and_little_is_too_much():
    points = nodes()
    cavity = round_head(points)
    source = (np.sqrt((points.x - 40.0) ** 2 + points.y**2 + points.z**2) < 28.0).astype(np.float32) * 3.0
    mass = solved(source, cavity, 50.0)
    largest = np.sqrt(sum(u**2 for u in mass.shift_mm)).max()
    assert largest <= LARGEST_MM * 1.001
    x = mass.shift_mm[0][NODES[0] // 2, NODES[1] // 2]
    across = points.x[0, 0]
    assert x[np.abs(across + 72.0) < 4.0] == pytest.approx(0.0, abs=1.2)
    assert (x[np.abs(across) < 8.0] < -3.0).all()
    assert mass.squeeze[cavity < 0].min() >= -1e-3


def test_a_layer_lifts_the_brain_and_shifts_the_midline():
    def around(points):
        return {"cavity": round_head(points)}

    def region(points, fields):
        return np.maximum(-fields["cavity"] - 12.0, 20.0 - points.x)

    bleed = Bleed("subdural", region, 60.0, 2.0)
    mass = mass_effect(FULL, (bleed,), around)
    points = Points(*(np.array(v, np.float32).reshape(1, 1, 3) for v in ([60.0, 0.0, -60.0], [0.0] * 3, [0.0] * 3)))
    moved_mm = (origins(mass, points).x - points.x).ravel()
    assert moved_mm[0] > moved_mm[1] > moved_mm[2]
    assert moved_mm[0] > 4.0
    assert moved_mm[1] > 1.0
    assert lifted_mm(mass, points).ravel()[0] == pytest.approx(moved_mm[0], abs=2.5)
    fields = around(points) | {
        name: np.zeros((1, 1, 3), np.float32) for name in ("sulcus_mm", "gap", "cisterns", "fissure")
    }
    narrow = compress(mass, points, fields)
    assert (narrow["sulcus_mm"] <= 0.0).all()
    assert (narrow["cisterns"] >= 0.0).all()
    assert narrow["sulcus_mm"].ravel()[0] < narrow["sulcus_mm"].ravel()[2]
    assert (narrowed_mm(mass, points) >= 0.0).all()
    lifted = lift(mass, points, (bleed,), fields | {"bleed-0": region(points, fields)})["gap"].ravel()
    assert lifted[0] >= 0.0
    assert lifted[1:].tolist() == [0.0, 0.0]


def test_only_blood_that_takes_room_pushes():
    def around(points):
        raise AssertionError

    inside = Bleed("intraventricular", lambda points, fields: points.x, 60.0, 2.0)
    assert mass_effect(FULL, (inside,), around) is None
    layer = Bleed("subdural", lambda points, fields: points.x, 60.0, 2.0)
    assert mass_effect(Features(1, frozenset()), (layer,), around) is None


def test_the_brain_of_a_phantom_moves_and_its_skull_stays(monkeypatch):
    odds = {"thin-sdh": 1.0}
    choices = {"slices": 6, "rows": 48, "columns": 48, "subtypes": ("subdural",), "bleed_probability": 1.0}
    _, still, _, before = painted(monkeypatch, 29, features=odds, **choices)
    _, pushed, _, after = painted(monkeypatch, 29, features=odds | {"mass-effect": 1.0}, **choices)
    assert np.array_equal(before.brain_mask, after.brain_mask)
    assert np.array_equal(still.fields["skull"], pushed.fields["skull"])
    assert np.abs(still.fields["midline"] - pushed.fields["midline"]).max() > 2.0
