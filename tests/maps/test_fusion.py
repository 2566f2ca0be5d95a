import pytest
import torch

from ichnos.errors import UsageError
from ichnos.maps.fusion import fuse_stages
from ichnos.maps.recorder import BlockAttention, Recording
from ichnos.maps.settings import choose_settings

PAPER = choose_settings("hgi-sam")


def block(stage: int, number: int, shift: int = 0) -> BlockAttention:
    return BlockAttention(torch.zeros(1, 1, 4, 4), stage, number, (2, 2), shift, (2, 2))


PLAIN, SHIFTED = torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([[4.0, 3.0, 2.0, 1.0]])


def weigh(one: BlockAttention) -> torch.Tensor:
    return SHIFTED if one.number % 2 else PLAIN


def test_pairs_are_multiplied_after_the_shift_is_undone() -> None:
    recording = Recording([block(1, 0), block(1, 1, shift=1)])
    fused, stages = fuse_stages(recording, weigh, PAPER, (2, 2))
    # rolled by one each way, 4 3 2 1 reads 1 2 3 4: products 1 4 9 16, stretched
    expected = torch.tensor([[[0.0, 3.0], [8.0, 15.0]]]) / 15
    torch.testing.assert_close(fused, expected)
    torch.testing.assert_close(stages[:, 0], expected)


def test_the_released_code_rolls_odd_blocks_whatever_their_shift() -> None:
    recording = Recording([block(1, 0), block(1, 1, shift=0)])
    odd = PAPER.model_copy(update={"undo_shift": "odd"})
    fused, _ = fuse_stages(recording, weigh, odd, (2, 2))
    torch.testing.assert_close(fused, torch.tensor([[[0.0, 3.0], [8.0, 15.0]]]) / 15)


def test_blocks_may_be_averaged_instead() -> None:
    recording = Recording([block(1, 0), block(1, 1), block(1, 2)])
    fused, _ = fuse_stages(recording, weigh, PAPER.model_copy(update={"pairs": "mean"}), (2, 2))
    torch.testing.assert_close(fused, torch.tensor([[[0.0, 1.0], [2.0, 3.0]]]) / 3)
    with pytest.raises(UsageError, match="stage 1 has 3 blocks, which do not pair up"):
        fuse_stages(recording, weigh, PAPER, (2, 2))


def test_stages_are_multiplied_or_averaged() -> None:
    recording = Recording([block(1, 0), block(1, 1, 1), block(2, 0), block(2, 1, 1)])
    one = torch.tensor([[[0.0, 3.0], [8.0, 15.0]]]) / 15
    torch.testing.assert_close(fuse_stages(recording, weigh, PAPER, (2, 2))[0], one * one)
    mean = PAPER.model_copy(update={"fusion": "mean"})
    torch.testing.assert_close(fuse_stages(recording, weigh, mean, (2, 2))[0], one)
