import threading

import pytest
import torch
from torch import nn

from ichnos.errors import UsageError
from ichnos.maps.recorder import record_attention
from ichnos.models.create import create_model

ARGUMENTS = {"image_size": 32, "tile_size": 4, "depths": (2, 2), "attn_heads": (2, 4), "embed_dim": 16}


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return create_model("swin", ARGUMENTS).eval()


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def count_hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_recording_does_not_change_the_logits(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad():
        plain = model(pixels)
        with record_attention(model, (1, 2)):
            recorded = model(pixels)
    torch.testing.assert_close(recorded, plain, atol=1e-6, rtol=0)


def test_each_block_tells_stage_tile_shift_and_grid(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad(), record_attention(model, (1, 2)) as recording:
        model(pixels)
    layout = [(block.stage, block.number, block.tile, block.shift, block.grid) for block in recording.blocks]
    # The second stage's grid is one tile, so its odd block is not shifted.
    assert layout == [
        (1, 0, (4, 4), 0, (8, 8)),
        (1, 1, (4, 4), 2, (8, 8)),
        (2, 0, (4, 4), 0, (4, 4)),
        (2, 1, (4, 4), 0, (4, 4)),
    ]
    assert [tuple(block.weights.shape) for block in recording.blocks] == [(12, 2, 16, 16)] * 2 + [(3, 4, 16, 16)] * 2


def test_attention_rows_sum_to_one(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad(), record_attention(model, (1, 2)) as recording:
        model(pixels)
    for block in recording.blocks:
        torch.testing.assert_close(block.weights.sum(-1), torch.ones(block.weights.shape[:-1]))


def test_only_asked_stages_are_recorded(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad(), record_attention(model, (2,)) as recording:
        model(pixels)
    assert {block.stage for block in recording.blocks} == {2}


def test_a_second_pass_replaces_the_first(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad(), record_attention(model, (1,)) as recording:
        model(pixels)
        model(pixels[:1])
    assert [len(block.weights) for block in recording.blocks] == [4, 4]


def test_everything_is_restored_even_after_an_error(model: nn.Module, pixels: torch.Tensor) -> None:
    before, hooks = model.transformer.config._attn_implementation, count_hooks(model)
    with pytest.raises(RuntimeError, match="stop"), record_attention(model, (1,)):
        raise RuntimeError("stop")
    assert model.transformer.config._attn_implementation == before
    assert count_hooks(model) == hooks
    for _ in range(100):
        with record_attention(model, (1, 2)):
            pass
    assert count_hooks(model) == hooks


def test_threads_record_their_own_models(pixels: torch.Tensor) -> None:
    models = [create_model("swin", ARGUMENTS).eval() for _ in range(2)]
    alone, together = [], {}
    for model in models:
        with torch.no_grad(), record_attention(model, (1,)) as recording:
            model(pixels)
        alone.append(recording.blocks[0].weights)
    gate = threading.Barrier(2)

    def work(index: int) -> None:
        with torch.no_grad(), record_attention(models[index], (1,)) as recording:
            gate.wait()
            models[index](pixels)
            gate.wait()
        together[index] = recording.blocks[0].weights

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(2):
        torch.testing.assert_close(together[index], alone[index], atol=0, rtol=0)


@pytest.mark.parametrize("stages", [(), (0,), (1, 3)])
def test_a_stage_that_is_not_there_is_refused(model: nn.Module, stages: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="this network has stages 1 to 2"), record_attention(model, stages):
        pass


def test_a_network_without_a_transformer_is_refused() -> None:
    with pytest.raises(UsageError, match="Linear holds no transformer whose attention can be recorded; those of Swin"):
        record_attention(nn.Linear(2, 2), (1,)).__enter__()


def test_all_stages_are_recorded_unless_some_are_asked_for(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad(), record_attention(model) as recording:
        model(pixels)
    assert [block.stage for block in recording.blocks] == [1, 1, 2, 2]


def test_threads_may_share_a_model(model: nn.Module, pixels: torch.Tensor) -> None:
    """One waits for the other, and nothing that either changed is left."""
    with torch.no_grad(), record_attention(model, (1,)) as recording:
        model(pixels)
    expected, found = recording.blocks[0].weights, {}

    def work(index: int) -> None:
        for _ in range(5):
            with torch.no_grad(), record_attention(model, (1, 2)) as mine:
                model(pixels)
            found[index] = mine.blocks[0].weights

    threads = [threading.Thread(target=work, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.transformer.config._attn_implementation == "sdpa"
    assert count_hooks(model) == 0
    for index in range(3):
        torch.testing.assert_close(found[index], expected, atol=0, rtol=0)


def test_another_threads_pass_is_not_recorded(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad(), record_attention(model, (1,)) as recording:
        thread = threading.Thread(target=lambda: model(pixels))
        thread.start()
        thread.join()
    assert recording.blocks == []


def test_recordings_nest(model: nn.Module, pixels: torch.Tensor) -> None:
    with torch.no_grad(), record_attention(model, (1,)) as outer:
        with record_attention(model, (2,)) as inner:
            model(pixels)
        model(pixels)
    assert ({block.stage for block in outer.blocks}, {block.stage for block in inner.blocks}) == ({1}, {2})
    assert model.transformer.config._attn_implementation == "sdpa"


def test_without_a_recorder_attention_stays_fused(
    model: nn.Module, pixels: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ichnos.maps import recorder

    calls = []
    monkeypatch.setattr(recorder, "sdpa_attention_forward", lambda *_, **__: calls.append(1))
    with torch.no_grad(), record_attention(model, (1,)):
        pass
    with torch.no_grad():
        model(pixels)
    assert calls == [], "outside the context nothing of ours runs"


def test_no_weight_is_a_number_that_slows_the_cpu(model: nn.Module, pixels: torch.Tensor) -> None:
    """Swin masks with -100, and exp(-100) is denormal."""
    with torch.no_grad(), record_attention(model) as recording:
        model(pixels)
    weights = recording.blocks[1].weights
    assert (weights == 0).any(), "the shifted block masks pairs"
    assert not ((weights > 0) & (weights < torch.finfo(torch.float32).tiny)).any()
