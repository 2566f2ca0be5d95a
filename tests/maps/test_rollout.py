import numpy as np
import pytest
import torch
from maps.nets import EXTRA_TOKENS, TRANSFORMERS, liven, pixels_for, some_pixels, swin

from ichnos.errors import UsageError
from ichnos.maps.methods import explain
from ichnos.maps.recorder import Recording, record_attention
from ichnos.maps.rollout import multiply
from ichnos.maps.settings import choose_settings

ROLLOUT = choose_settings("rollout")


@pytest.mark.parametrize("name", EXTRA_TOKENS)
def test_equals_a_slow_transcription(name: str) -> None:
    model, pixels = liven(TRANSFORMERS[name]()), pixels_for(name, 1)
    with torch.no_grad(), record_attention(model) as recording:
        model(pixels)
    tokens = 16 + EXTRA_TOKENS[name]
    flow = np.eye(tokens)
    for block in recording.blocks:
        mean = block.weights[0].double().numpy().mean(0)
        flow = (0.5 * mean + 0.5 * np.eye(tokens)) @ flow
    extra = EXTRA_TOKENS[name]
    expected = flow[extra:, extra:].mean(0) if name == "beit" else flow[0, extra:]
    np.testing.assert_allclose(multiply(recording)[0].numpy(), flow, atol=1e-5)
    maps = explain(model, pixels, ROLLOUT, (0,)).maps[0, 0]
    grid = torch.tensor(expected.reshape(1, 1, 4, 4), dtype=torch.float32)
    resized = torch.nn.functional.interpolate(grid, (32, 32), mode="bilinear")[0, 0]
    torch.testing.assert_close(maps, (resized - resized.min()) / (resized.max() - resized.min()), atol=1e-4, rtol=0)


def test_rows_still_sum_to_one() -> None:
    model = liven(TRANSFORMERS["vit"]())
    with torch.no_grad(), record_attention(model) as recording:
        model(some_pixels(2))
    torch.testing.assert_close(multiply(recording).sum(-1), torch.ones(2, 17))


def test_tiles_are_refused() -> None:
    with pytest.raises(UsageError, match="rollout is not defined for attention within tiles; take 'swin-sam'"):
        explain(swin(), some_pixels(1), ROLLOUT, (1,))


def test_nothing_recorded_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing was recorded"):
        multiply(Recording())
