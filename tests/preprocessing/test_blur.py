import pytest
import torch
from scipy import ndimage

from ichnos.preprocessing.blur import blur_slices


def some_slices(dtype=torch.float32):
    return torch.rand(4, 3, 20, 25, generator=torch.Generator().manual_seed(0)).to(dtype)


def test_each_slice_is_blurred_as_scipy_does_by_its_own_width():
    sigmas = [0.4, 1.0, 1.5, 0.1]
    blurred = blur_slices(some_slices(), torch.tensor(sigmas))
    for pixels, sigma, slice_blurred in zip(some_slices(), sigmas, blurred, strict=True):
        for channel, channel_blurred in zip(pixels, slice_blurred, strict=True):
            expected = ndimage.gaussian_filter(channel.numpy(), sigma, mode="nearest", radius=5)
            torch.testing.assert_close(channel_blurred, torch.from_numpy(expected), atol=1e-5, rtol=0)


def test_width_0_leaves_a_slice_to_the_bit():
    blurred = blur_slices(some_slices(), torch.tensor([0.0, 1.0, 0.0, 1.0]))
    assert torch.equal(blurred[::2], some_slices()[::2])
    assert not torch.equal(blurred[1], some_slices()[1])
    assert torch.equal(blur_slices(some_slices(), torch.zeros(4)), some_slices())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_flat_slice_stays_flat_to_its_edges(dtype):
    blurred = blur_slices(torch.ones(2, 1, 9, 9, dtype=dtype), torch.tensor([1.5, 0.5]))
    assert blurred.dtype == dtype
    torch.testing.assert_close(blurred, torch.ones(2, 1, 9, 9, dtype=dtype), atol=1e-2, rtol=0)
