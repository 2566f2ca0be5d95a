import threading

import pytest
import torch
from maps.nets import some_pixels, swin
from torch import nn

from ichnos.errors import UsageError
from ichnos.maps.explanation import Explanation, choose_logits, finish, frozen, join, run
from ichnos.maps.settings import MapSettings

SETTINGS = MapSettings(method="hgi-sam")


def test_finishing_stretches_each_target_and_slice() -> None:
    raw = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(0)) * 5
    maps = finish(Explanation(raw, torch.zeros(3, 2)), SETTINGS).maps
    assert torch.equal(maps.amin((2, 3)), torch.zeros(3, 2))
    assert torch.equal(maps.amax((2, 3)), torch.ones(3, 2))


def test_a_region_is_multiplied_in_before_stretching() -> None:
    raw = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    region = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    maps = finish(Explanation(raw, torch.zeros(1, 1)), SETTINGS, region).maps
    torch.testing.assert_close(maps, torch.tensor([[[[0.0, 2 / 3], [1.0, 0.0]]]]))


def test_an_empty_region_gives_zeros() -> None:
    maps = finish(Explanation(torch.rand(1, 1, 2, 2), torch.zeros(1, 1)), SETTINGS, torch.zeros(1, 2, 2)).maps
    assert torch.equal(maps, torch.zeros(1, 1, 2, 2))


@pytest.mark.parametrize("targets", [(), (2,), (-1,), (0, 5)])
def test_an_output_that_is_not_there_is_refused(targets: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="cannot be explained; this network has outputs 0 to 1"):
        choose_logits(torch.zeros(1, 2), targets, SETTINGS)


def test_the_predicted_output_only_when_asked_for() -> None:
    logits = torch.tensor([[1.0, 2.0], [4.0, 3.0]])
    assert torch.equal(choose_logits(logits, (1,), SETTINGS)[0], torch.tensor([2.0, 3.0]))
    predicted = SETTINGS.model_copy(update={"explain": "predicted"})
    assert torch.equal(choose_logits(logits, (1,), predicted)[0], torch.tensor([2.0, 4.0]))


def test_parts_are_joined_in_order() -> None:
    maps, logits, stages = torch.rand(3, 1, 2, 2), torch.rand(3, 2), torch.rand(3, 1, 2, 2, 2)
    parts = [Explanation(maps[p], logits[p], stages[p]) for p in (slice(0, 2), slice(2, 3))]
    joined = join(parts)
    assert torch.equal(joined.maps, maps)
    assert torch.equal(joined.logits, logits)
    assert joined.stages is not None
    assert torch.equal(joined.stages, stages)
    assert join([Explanation(maps, logits)]).stages is None


def test_freezing_is_undone() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train()
    model[1].eval()
    model[0].bias.requires_grad_(False)
    with frozen(model, torch.device("cpu"), gradients=False):
        assert not model.training
        assert not torch.is_grad_enabled()
        assert not any(parameter.requires_grad for parameter in model.parameters())
    assert [module.training for module in model.modules()] == [True, True, False]
    with pytest.raises(RuntimeError, match="stop"), frozen(model, torch.device("cpu"), gradients=False):
        raise RuntimeError("stop")
    assert [module.training for module in model.modules()] == [True, True, False]
    assert [parameter.requires_grad for parameter in model.parameters()] == [True, False]
    assert torch.is_grad_enabled()


def test_two_threads_leave_a_shared_model_as_it_was() -> None:
    model, pixels = swin().train(), some_pixels(1)

    def work() -> None:
        for _ in range(5):
            with frozen(model, torch.device("cpu"), gradients=False):
                run(model, pixels)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_pixels_take_the_models_precision() -> None:
    assert run(nn.Flatten(), torch.zeros(2, 1, 2, 2)).shape == (2, 4)
    assert run(swin().double(), some_pixels(1)).dtype == torch.float64
