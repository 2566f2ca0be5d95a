import math

import pytest
import torch
from scipy import ndimage
from torch import nn

from ichnos.preprocessing.warp import crop, find_places, lies_inside, make_matrices, plan_warp, warp_masks, warp_pixels


def matrices_of(size, angle=0.0, zoom=1.0, mirror=1.0, shift=(0.0, 0.0)):
    numbers = (torch.tensor([value]) for value in (angle, zoom, mirror))
    return make_matrices(*numbers, torch.tensor([shift]), size)


def planned(matrices, size):
    return plan_warp(matrices, size, torch.device("cpu"))


def spot(size, row, column, width=1.5):
    rows, columns = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    return torch.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * width**2))[None, None]


def centroid(image):
    rows, columns = torch.meshgrid(*(torch.arange(length, dtype=torch.float) for length in image.shape), indexing="ij")
    return tuple(float((image * places).sum() / image.sum()) for places in (rows, columns))


def forward(row, column, size, *, angle, zoom, mirror, shift):
    """Where a point goes: shift, rotate counter-clockwise, enlarge, flip; about the centre of the slice."""
    down, right = row - (size[0] - 1) / 2 + shift[1] * size[0], column - (size[1] - 1) / 2 + shift[0] * size[1]
    cosine, sine = math.cos(angle), math.sin(angle)
    right, down = right * cosine + down * sine, down * cosine - right * sine
    return down * zoom + (size[0] - 1) / 2, right * zoom * mirror + (size[1] - 1) / 2


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
@pytest.mark.parametrize(
    "change",
    [
        {"angle": 0.0, "zoom": 1.0, "mirror": 1.0, "shift": (0.1, 0.05)},
        {"angle": 0.5, "zoom": 1.0, "mirror": 1.0, "shift": (0.0, 0.0)},
        {"angle": 0.0, "zoom": 1.25, "mirror": -1.0, "shift": (0.0, 0.0)},
        {"angle": -0.7, "zoom": 1.2, "mirror": -1.0, "shift": (0.1, -0.08)},
    ],
)
def test_a_spot_goes_where_shift_rotation_size_and_flip_take_it_in_that_order(size, change):
    row, column = 20.0, size[1] / 2 + 6
    matrices = matrices_of(size, **change)
    moved = warp_pixels(spot(size, row, column), planned(matrices, size))[0, 0]
    assert centroid(moved) == pytest.approx(forward(row, column, size, **change), abs=0.05)


def test_a_round_spot_stays_round_on_a_slice_that_is_not_square():
    size = (48, 80)
    moved = warp_pixels(spot(size, 23.5, 39.5, 4.0), planned(matrices_of(size, angle=0.9), size))[0, 0]
    torch.testing.assert_close(moved, spot(size, 23.5, 39.5, 4.0)[0, 0], atol=0.02, rtol=0)


def test_pixels_equal_scipys():
    """scipy reads at matrix @ (row, column) + offset, in pixels."""
    size, angle, zoom, shift = (32, 32), 0.3, 1.1, (0.07, -0.11)
    image = torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(0))
    moved = warp_pixels(image, planned(matrices_of(size, angle=angle, zoom=zoom, shift=shift), size))[0, 0]
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]) / zoom
    middle = torch.full((2,), 15.5)
    offset = middle - turn @ middle - torch.tensor([shift[1] * 32, shift[0] * 32])
    expected = ndimage.affine_transform(image[0, 0].numpy(), turn.numpy(), offset.numpy(), order=1, mode="nearest")
    torch.testing.assert_close(moved, torch.from_numpy(expected), atol=1e-4, rtol=0)


def test_nothing_asked_moves_nothing():
    image = torch.rand(1, 2, 9, 13, generator=torch.Generator().manual_seed(0))
    matrices = matrices_of((9, 13))
    assert torch.equal(warp_pixels(image, planned(matrices, (9, 13))), image)
    assert torch.equal(warp_masks(image[:, 0] > 0.5, planned(matrices, (9, 13))), image[:, 0] > 0.5)
    assert lies_inside(planned(matrices, (9, 13))).all()


def test_places_are_those_of_torch():
    matrices = torch.randn(3, 2, 3, generator=torch.Generator().manual_seed(0))
    expected = nn.functional.affine_grid(matrices, [3, 1, 8, 13], align_corners=False)
    torch.testing.assert_close(find_places(matrices, (8, 13)), expected)


def test_slices_that_only_flip_or_stay_keep_their_values_and_the_rest_is_moved():
    images = torch.rand(5, 2, 9, 12, generator=torch.Generator().manual_seed(0))
    angle, mirror = torch.tensor([0.0, 0.4, 0.0, -0.4, 0.0]), torch.tensor([1.0, 1.0, -1.0, -1.0, -1.0])
    matrices = make_matrices(angle, torch.ones(5), mirror, torch.zeros(5, 2), (9, 12))
    moved = warp_pixels(images, planned(matrices, (9, 12)))
    assert torch.equal(moved[0], images[0])
    assert torch.equal(moved[[2, 4]], images[[2, 4]].flip(-1))
    everything = nn.functional.grid_sample(
        images, find_places(matrices, (9, 12)), padding_mode="border", align_corners=False
    )
    torch.testing.assert_close(moved, everything, atol=1e-5, rtol=0)


def test_a_crop_shows_its_part_enlarged():
    image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    matrices = crop(matrices_of((8, 8)), torch.tensor([[0.5, 0.25]]), torch.tensor([[0.5, -0.75]]))
    shown = warp_masks(image[:, 0], planned(matrices, (8, 8)))
    expected = image[0, 0, :2, 4:].repeat_interleave(4, dim=0).repeat_interleave(2, dim=1)
    assert torch.equal(shown[0], expected)


def test_a_crop_is_taken_of_the_changed_slice():
    size = (64, 64)
    matrices = crop(matrices_of(size, angle=math.pi / 2), torch.tensor([[0.5, 0.5]]), torch.tensor([[0.5, -0.5]]))
    moved = warp_pixels(spot(size, 47.5, 47.5), planned(matrices, size))[0, 0]
    assert centroid(moved) == pytest.approx((31.5, 31.5), abs=0.05)  # turned to the upper right, then shown


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float32])
def test_masks_keep_their_values_and_type(dtype):
    masks = torch.randint(0, 2, (6, 20, 20), generator=torch.Generator().manual_seed(0)).to(dtype)
    angle = torch.linspace(-1, 1, 6)
    matrices = make_matrices(angle, 1 + angle / 5, torch.ones(6), torch.zeros(6, 2), (20, 20))
    moved = warp_masks(masks, planned(matrices, (20, 20)))
    assert moved.dtype == dtype
    assert set(moved.float().unique().tolist()) <= {0.0, 1.0}


def test_masks_go_with_their_pixels():
    """Where interpolated pixels of a mask are wholly 0 or 1, so is the moved mask."""
    masks = torch.zeros(40, 32, 32, dtype=torch.bool)
    masks[:, 8:20, 12:26] = True
    generator = torch.Generator().manual_seed(0)
    angle, zoom, across, down = torch.rand(4, 40, generator=generator) * 2 - 1
    mirror = torch.where(torch.arange(40) % 2 == 0, -1.0, 1.0)
    matrices = make_matrices(angle, 1 + zoom / 4, mirror, torch.stack([across, down], 1) / 10, (32, 32))
    warp = planned(matrices, (32, 32))
    interpolated, moved = warp_pixels(masks[:, None].float(), warp)[:, 0], warp_masks(masks, warp)
    assert torch.equal(moved[interpolated > 0.999], torch.ones_like(moved[interpolated > 0.999]))
    assert torch.equal(moved[interpolated < 0.001], torch.zeros_like(moved[interpolated < 0.001]))


def test_beyond_an_edge_pixels_go_on_and_masks_end():
    matrices = matrices_of((8, 8), shift=(0.25, 0.0))
    ones = torch.ones(1, 1, 8, 8)
    expected = torch.ones(8, 8, dtype=torch.bool)
    expected[:, :2] = False  # two columns moved in from beyond the left edge
    assert torch.equal(warp_pixels(ones, planned(matrices, (8, 8))), ones)
    assert torch.equal(warp_masks(ones[:, 0] > 0, planned(matrices, (8, 8)))[0], expected)
    assert torch.equal(lies_inside(planned(matrices, (8, 8)))[0], expected)
