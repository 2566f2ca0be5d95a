import io

import numpy as np
import pytest
from PIL import Image
from scipy import fft

from ichnos.cohorts.fingerprint import BITS, count_differing, mirror, take_fingerprints
from ichnos.cohorts.leakage import SAME_SLICE_BITS
from ichnos.phantoms import PhantomSettings, make_phantom

SETTINGS = PhantomSettings(slices=10, rows=128, columns=128)


@pytest.fixture(scope="module")
def heads():
    return [make_phantom(seed, SETTINGS).scan.voxels_hu for seed in range(3)]


def in_window(slices_hu, low_hu, high_hu):
    """As an 8-bit picture in a window, read back as HU."""
    grey = np.clip((slices_hu - low_hu) / (high_hu - low_hu), 0, 1)
    return (np.round(grey * 255) / 255 * (high_hu - low_hu) + low_hu).astype(np.float32)


def resized(slices_hu, rows, columns):
    return np.stack([np.asarray(Image.fromarray(one).resize((columns, rows))) for one in slices_hu])


def as_jpeg(slices_hu):
    read = []
    for one in slices_hu:
        stream = io.BytesIO()
        Image.fromarray((np.clip(one / 80, 0, 1) * 255).astype(np.uint8)).save(stream, "JPEG", quality=75)
        read.append(np.asarray(Image.open(io.BytesIO(stream.getvalue()))) / np.float32(255) * 80)
    return np.stack(read).astype(np.float32)


CHANGES = {
    "window 0 to 80": lambda hu: in_window(hu, 0, 80),
    "window -15 to 100": lambda hu: in_window(hu, -15, 100),
    "larger": lambda hu: resized(hu, 200, 200),
    "smaller": lambda hu: resized(hu, 96, 96),
    "stretched": lambda hu: resized(hu, 100, 160),
    "cropped": lambda hu: hu[:, 4:-4, 4:-4],
    "noise": lambda hu: hu + np.random.default_rng(0).normal(0, 5, hu.shape).astype(np.float32),
    "jpeg": as_jpeg,
}


def nearest(asked, known):
    asked, known = asked[asked.any(axis=1)], known[known.any(axis=1)]
    return count_differing(asked, known).min(axis=1)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_slice_keeps_its_fingerprint(heads, change):
    for head in heads:
        found = nearest(take_fingerprints(CHANGES[change](head)), take_fingerprints(head))
        assert (found <= SAME_SLICE_BITS).mean() >= 0.5


def test_other_heads_have_others(heads):
    prints = [take_fingerprints(head) for head in heads]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (nearest(prints[one], prints[other]) <= SAME_SLICE_BITS).mean() <= 0.2


def test_neighbours_of_a_slice_are_other_slices(heads):
    prints = take_fingerprints(heads[0])
    differing = count_differing(prints, prints)[prints.any(axis=1)][:, prints.any(axis=1)]
    assert (np.diag(differing) == 0).all()
    assert np.median(differing[~np.eye(len(differing), dtype=bool)]) > 30


def test_a_mirrored_slice_has_the_mirrored_fingerprint(heads):
    there, mirrored = take_fingerprints(heads[1]), take_fingerprints(heads[1][:, :, ::-1])
    assert count_differing(mirror(there), mirrored).diagonal().max() <= 4
    np.testing.assert_array_equal(mirror(mirror(there)), there)


def test_nothing_to_see_is_zero(heads):
    blank = np.full((2, 64, 64), -1024, np.float32)
    assert not take_fingerprints(blank).any()
    assert not mirror(take_fingerprints(blank)).any()
    one_pixel = blank.copy()
    one_pixel[:, 3, 3] = 1000
    assert not take_fingerprints(one_pixel).any()


def test_differing_bits_are_counted_as_one_by_one():
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 2**64, (n, 2), dtype=np.uint64) for n in (3, 4))

    def bits(words):
        return "".join(f"{int(word):064b}" for word in words)

    slow = [[sum(a != b for a, b in zip(bits(x), bits(y), strict=True)) for y in second] for x in first]
    assert count_differing(first, second).tolist() == slow


def test_bits_are_signs_of_the_cosine_transform():
    """By its definition: a picture of one cosine has that frequency's bit set, its negative has not."""
    from ichnos.cohorts.fingerprint import _chosen_frequencies, _hash

    rows, columns = _chosen_frequencies()
    assert len(rows) == BITS
    assert (rows + columns).min() == 3
    place = (np.arange(32) + 0.5) * np.pi / 32
    for bit in (0, 5, 64, 127):
        picture = np.outer(np.cos(rows[bit] * place), np.cos(columns[bit] * place)).astype(np.float32)
        assert abs(fft.dctn(picture)[rows[bit], columns[bit]]) > 100
        words = _hash(picture), _hash(-picture)
        assert [int(word[bit // 64]) >> bit % 64 & 1 for word in words] == [1, 0]
