import numpy as np
import pytest

from ichnos.phantoms.grown.projection import ENERGIES_KEV, Beam, draw_beam, scan_slices, strip_areas

SIZE, ANGLES, PIXEL_MM = 48, 72, 4.0
QUIET = Beam(np.array([0.2, 0.3, 0.3, 0.2], np.float32), 1e12, 0.0, 0.8, 0.0, (0, 0.0, 0.0))


def disc(hu, radius_mm=70.0, ring_hu=None):
    place = (np.arange(SIZE) - (SIZE - 1) / 2) * PIXEL_MM
    radius = np.hypot(place[:, None], place[None, :])
    image = np.where(radius < radius_mm, np.float32(hu), np.float32(-1000.0))
    if ring_hu is not None:
        image = np.where((radius < radius_mm) & (radius > radius_mm - 9.0), np.float32(ring_hu), image)
    return image[None].astype(np.float32), radius


def scanned(image, seed=0, **changes):
    beam = Beam(**(QUIET.__dict__ | changes))
    return scan_slices(image, PIXEL_MM, beam, ANGLES, np.random.default_rng(seed))


def test_every_view_sees_every_pixel_once():
    matrix = strip_areas(SIZE, ANGLES)
    seen = np.asarray(matrix.sum(axis=0)).ravel().reshape(SIZE, SIZE)
    place = np.arange(SIZE) - (SIZE - 1) / 2
    inside = np.hypot(place[:, None], place[None, :]) <= SIZE / 2
    assert np.allclose(seen[inside], ANGLES, atol=1e-3)
    assert np.all(seen[~inside] == 0.0)


def test_a_strip_through_a_disc_is_as_long_as_its_chord():
    image, radius = disc(0.0)
    sinogram = (strip_areas(SIZE, ANGLES) @ (radius < 70.0).astype(np.float32).ravel()).reshape(ANGLES, -1)
    offsets = (np.arange(sinogram.shape[1]) - (sinogram.shape[1] - 1) / 2) * PIXEL_MM
    chords = 2 * np.sqrt(np.maximum(70.0**2 - offsets**2, 0.0)) / PIXEL_MM
    assert np.abs(sinogram - chords)[:, np.abs(offsets) < 60.0].max() < 2.5
    assert image.shape == (1, SIZE, SIZE)


@pytest.mark.parametrize("hu", [0.0, 40.0, -100.0])
def test_densities_come_back(hu):
    image, radius = disc(hu)
    found = scanned(image)[0]
    assert found[radius < 55.0].mean() == pytest.approx(hu, abs=6.0)
    assert found[(radius > 82.0) & (radius < 90.0)].mean() == pytest.approx(-1000.0, abs=15.0)


def test_bone_hardens_the_beam_and_correction_mends_it():
    image, radius = disc(30.0, ring_hu=1200.0)
    centre = radius < 20.0
    rim = (radius > 46.0) & (radius < 54.0)
    hard, mended = scanned(image, hardening=1.0)[0], scanned(image)[0]
    cupping = {name: found[rim].mean() - found[centre].mean() for name, found in (("hard", hard), ("mended", mended))}
    assert cupping["hard"] > cupping["mended"] + 3.0


def test_fewer_photons_make_more_noise():
    image, radius = disc(30.0)
    centre = radius < 40.0
    clean = scanned(image)[0]
    noise = [np.std((scanned(image, photons=count)[0] - clean)[centre]) for count in (1e5, 1e7)]
    assert noise[0] / noise[1] == pytest.approx(10.0, rel=0.25)


def middle(image):
    weights = np.clip(image + 500.0, 0.0, None)
    rows, columns = np.indices(image.shape)
    return np.average(rows, weights=weights), np.average(columns, weights=weights)


def test_a_jerk_before_the_first_view_shifts_the_head_and_after_the_last_does_nothing():
    image, _ = disc(30.0, radius_mm=50.0)
    still = scanned(image)
    assert np.array_equal(scanned(image, jerk=(ANGLES, 4.0, 0.0)), still)
    row, column = middle(still[0])
    forward = middle(scanned(image, jerk=(0, 8.0, 0.0))[0])
    sideways = middle(scanned(image, jerk=(0, 0.0, 8.0))[0])
    assert forward == pytest.approx((row - 2.0, column), abs=0.05)  # rows run to the back
    assert sideways == pytest.approx((row, column + 2.0), abs=0.05)


def test_beams_are_drawn_from_the_seed():
    one, same = draw_beam(np.random.default_rng(4), 60), draw_beam(np.random.default_rng(4), 60)
    assert one.photons == same.photons
    assert len(one.spectrum) == len(ENERGIES_KEV)
    assert one.spectrum.sum() == pytest.approx(1.0, abs=1e-5)
