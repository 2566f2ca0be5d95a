import pytest
import torch

from ichnos.errors import UsageError
from ichnos.preprocessing.patch_swaps import _draw_pairs, swap_patches


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(slices=3, channels=2, rows=50, columns=60):
    """Slices of which each pixel has a value of its own."""
    return torch.arange(slices * channels * rows * columns, dtype=torch.float).reshape(slices, channels, rows, columns)


def test_it_equals_one_swap_after_the_other():
    pixels = numbered()
    pairs = _draw_pairs((3, 20), (50, 60), 7, seeded())
    expected = pixels.clone()
    for number in range(3):
        for (row, column), (other_row, other_column) in pairs[number].tolist():
            first = expected[number, :, row : row + 7, column : column + 7].clone()
            second = expected[number, :, other_row : other_row + 7, other_column : other_column + 7].clone()
            expected[number, :, row : row + 7, column : column + 7] = second
            expected[number, :, other_row : other_row + 7, other_column : other_column + 7] = first
    assert torch.equal(swap_patches(pixels, seeded(), swaps=20, side=7), expected)


def test_values_are_moved_and_none_is_lost():
    pixels = numbered()
    spoilt = swap_patches(pixels, seeded(), swaps=9, side=10)
    assert torch.equal(spoilt.flatten(2).sort(dim=2).values, pixels.flatten(2))
    assert not torch.equal(spoilt, pixels)


def test_channels_move_alike():
    spoilt = swap_patches(numbered(), seeded(), side=10)
    assert torch.equal(spoilt[:, 1] - spoilt[:, 0], numbered()[:, 1] - numbered()[:, 0])


def test_one_swap_moves_two_patches_and_nothing_else():
    pixels = numbered(slices=200, channels=1)
    moved = (swap_patches(pixels, seeded(), swaps=1, side=10) != pixels)[:, 0]
    assert (moved.sum(dim=(1, 2)) == 200).all(), "two patches of 100 pixels that do not overlap"
    for (row, column), (other_row, other_column) in _draw_pairs((200, 1), (50, 60), 10, seeded())[:, 0].tolist():
        assert abs(row - other_row) >= 10 or abs(column - other_column) >= 10


def test_the_papers_numbers_are_the_usual_ones():
    moved = swap_patches(numbered(16, 1, 256, 256), seeded()) != numbered(16, 1, 256, 256)
    assert 10_000 < moved.sum(dim=(1, 2, 3)).float().mean() < 16_000, "40 patches of 400, a few of them moved twice"


def test_corners_reach_every_edge_and_no_further():
    corners = _draw_pairs((400, 20), (24, 25), 12, seeded()).flatten(0, 2)
    assert corners.min(dim=0).values.tolist() == [0, 0]
    assert corners.max(dim=0).values.tolist() == [12, 13]


def test_slices_have_draws_of_their_own_and_one_generator_gives_one_result():
    same = torch.arange(2500.0).reshape(1, 1, 50, 50).repeat(2, 1, 1, 1)
    first, again, other = (swap_patches(same, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, other)


def test_the_slices_given_stay_as_they_are():
    pixels = numbered()
    swap_patches(pixels, seeded())
    assert torch.equal(pixels, numbered())


@pytest.mark.parametrize("size", [(19, 60), (39, 39), (40, 19)])
def test_slices_without_room_for_two_patches_are_refused(size):
    with pytest.raises(
        UsageError, match=rf"^slices of {size[0]} x {size[1]} pixels have no room for two patches of 20"
    ):
        swap_patches(torch.zeros(1, 1, *size), seeded())


@pytest.mark.parametrize(("size", "axis"), [((20, 40), 3), ((40, 20), 2)])
def test_with_just_enough_room_the_halves_are_swapped(size, axis):
    pixels = torch.arange(800.0).reshape(1, 1, *size)
    assert torch.equal(swap_patches(pixels, seeded(), swaps=1), pixels.roll(20, axis))
