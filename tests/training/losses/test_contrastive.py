import math

import pytest
import torch
from monai.losses.contrastive import ContrastiveLoss

from ichnos.errors import UsageError
from ichnos.training.losses.contrastive import choose_cells, region_contrastive_loss, slice_contrastive_loss


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def slow_pair_loss(first, second, temperature):
    """Of lists of vectors; every cosine, every anchor, in plain Python."""
    vectors = [*first, *second]

    def cosine(a, b):
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))

    losses = []
    for anchor, vector in enumerate(vectors):
        similar = {
            other: math.exp(cosine(vector, vectors[other]) / temperature)
            for other in range(len(vectors))
            if other != anchor
        }
        partner = (anchor + len(first)) % len(vectors)
        losses.append(-math.log(similar[partner] / sum(similar.values())))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_slices_equal_the_slow_form(temperature):
    first, second = (torch.randn(5, 7, generator=seeded(seed)) for seed in (1, 2))
    expected = slow_pair_loss(first.tolist(), second.tolist(), temperature)
    assert float(slice_contrastive_loss(first, second, temperature=temperature)) == pytest.approx(expected, rel=1e-5)


def test_slices_equal_monais():
    first, second = (torch.randn(6, 16, generator=seeded(seed)) for seed in (1, 2))
    torch.testing.assert_close(slice_contrastive_loss(first, second), ContrastiveLoss(temperature=0.1)(first, second))


def test_by_hand_two_slices_at_right_angles():
    """Pairs agree (cosine 1), all else is at right angles (0): -log(e / (e + 2)) at temperature 1."""
    views = torch.eye(2)
    loss = slice_contrastive_loss(views, 3 * views, temperature=1.0)
    assert float(loss) == pytest.approx(-math.log(math.e / (math.e + 2)), rel=1e-6)


def test_one_slice_is_refused():
    with pytest.raises(UsageError, match=r"one slice has nothing to be told from; set optimisation.batch_size to 2"):
        slice_contrastive_loss(torch.ones(1, 4), torch.ones(1, 4))


def slow_region_loss(first, second, cells, temperature):
    """Cuts each region out by its rows and columns; mean over slices of the loss inside a slice."""
    across = first.shape[3] // 3
    losses = []
    for one, other, chosen in zip(first, second, cells.tolist(), strict=True):
        places = [(3 * (cell // across), 3 * (cell % across)) for cell in chosen]
        views = [
            [view[:, row : row + 3, column : column + 3].flatten().tolist() for row, column in places]
            for view in (one, other)
        ]
        losses.append(slow_pair_loss(*views, temperature))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("size", [(9, 12), (10, 14)])
def test_regions_equal_the_slow_form(size):
    first, second = (torch.randn(2, 4, *size, generator=seeded(seed)) for seed in (1, 2))
    cells = torch.tensor([[0, 5, 11, 7], [3, 2, 8, 10]])
    expected = slow_region_loss(first, second, cells, 0.1)
    assert float(region_contrastive_loss(first, second, cells)) == pytest.approx(expected, rel=1e-5)


def test_a_region_is_three_by_three_with_all_its_features():
    """Of one cell's 4 x 9 numbers all matter, and nothing outside the chosen cells does."""
    first = torch.randn(1, 4, 9, 9, generator=seeded(1)).requires_grad_()
    second = torch.randn(1, 4, 9, 9, generator=seeded(2))
    region_contrastive_loss(first, second, torch.tensor([[0, 4]])).backward()
    touched = first.grad[0] != 0
    expected = torch.zeros(4, 9, 9, dtype=torch.bool)
    expected[:, :3, :3] = expected[:, 3:6, 3:6] = True
    assert torch.equal(touched, expected)


def test_regions_of_other_slices_are_no_negatives():
    first, second = (torch.randn(2, 4, 9, 9, generator=seeded(seed)) for seed in (1, 2))
    cells = torch.tensor([[0, 4, 8], [1, 2, 3]])
    alone = [region_contrastive_loss(first[n : n + 1], second[n : n + 1], cells[n : n + 1]) for n in range(2)]
    torch.testing.assert_close(region_contrastive_loss(first, second, cells), sum(alone) / 2)


def test_the_papers_numbers():
    """20 of the 42 x 42 cells, 288 numbers each; 40 anchors with 39 others: equal regions give log 39."""
    is_inside = torch.ones(2, 256, 256, dtype=torch.bool)
    cells = choose_cells(is_inside, (128, 128), seeded())
    assert cells.shape == (2, 20)
    assert cells.max() < 42 * 42
    same = torch.ones(2, 32, 128, 128)
    assert float(region_contrastive_loss(same, same, cells)) == pytest.approx(math.log(39), rel=1e-5)


def test_cells_differ_within_a_slice_and_between_slices():
    cells = choose_cells(torch.ones(50, 24, 24, dtype=torch.bool), (24, 24), seeded(), regions=20)
    assert all(len(set(row)) == 20 for row in cells.tolist())
    assert len({tuple(row) for row in cells.tolist()}) == 50
    assert set(cells.flatten().tolist()) == set(range(64))


@pytest.mark.parametrize("scale", [1, 2])
def test_cells_lie_wholly_inside(scale):
    """A rim of one grid place is padding; the cells that touch it are not drawn."""
    is_inside = torch.zeros(30, 15 * scale, 15 * scale, dtype=torch.bool)
    is_inside[:, scale:-scale, scale:-scale] = True
    cells = choose_cells(is_inside, (15, 15), seeded(), regions=9)
    inner = {5 * row + column for row in (1, 2, 3) for column in (1, 2, 3)}
    assert {frozenset(row) for row in cells.tolist()} == {frozenset(inner)}


def test_where_too_few_lie_inside_others_are_drawn():
    is_inside = torch.zeros(1, 9, 9, dtype=torch.bool)
    is_inside[:, 3:6, 3:6] = True
    for seed in range(10):
        cells = choose_cells(is_inside, (9, 9), seeded(seed), regions=3)[0].tolist()
        assert 4 in cells
        assert len(set(cells)) == 3


def test_one_generator_one_draw():
    is_inside = torch.ones(3, 24, 24, dtype=torch.bool)
    first, again, other = (choose_cells(is_inside, (24, 24), seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ((12, 12), r"^features of 12 x 12 hold 16 regions of 3 x 3, fewer than 20; set a larger image size"),
        ((7, 7), r"^a grid of 7 x 7 does not divide slices of \(24, 24\) pixels$"),
        ((48, 48), r"^a grid of 48 x 48 does not divide slices of \(24, 24\) pixels$"),
    ],
)
def test_grids_that_do_not_do_are_refused(grid, reason):
    with pytest.raises(UsageError, match=reason):
        choose_cells(torch.ones(1, 24, 24, dtype=torch.bool), grid, seeded())


def slices_loss(first, second):
    return slice_contrastive_loss(first.flatten(1), second.flatten(1))


def regions_loss(first, second):
    return region_contrastive_loss(first, second, torch.tensor([[0, 4, 8], [1, 2, 3]]))


@pytest.mark.parametrize("loss", [slices_loss, regions_loss])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", ["same", "opposite", "large", "zero"])
def test_loss_and_gradient_are_finite(loss, dtype, kind):
    first = torch.randn(2, 4, 9, 9, generator=seeded(1))
    first = {"same": first, "opposite": first, "large": first * 1e4, "zero": first * 0}[kind].to(dtype)
    second = -first if kind == "opposite" else first.clone()
    first.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype != torch.float32):
        value = loss(first, second)
    value.backward()
    assert value.dtype == torch.float32
    assert torch.isfinite(value)
    assert torch.isfinite(first.grad).all()


def test_half_precision_hardly_changes_the_loss():
    first, second = (torch.randn(2, 4, 9, 9, generator=seeded(seed)).half() for seed in (1, 2))
    with torch.autocast("cpu", torch.bfloat16):
        half = regions_loss(first, second)
    assert float(half) == pytest.approx(float(regions_loss(first.float(), second.float())), rel=1e-6)
