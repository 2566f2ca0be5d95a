import torch

from ichnos.maps.grad_cam_plus_plus import combine


def test_equals_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    activations = torch.rand(2, 3, 4, 5, generator=generator)
    gradients = torch.randn(2, 3, 4, 5, generator=generator)
    expected = torch.zeros(2, 4, 5)
    for one in range(2):
        for channel in range(3):
            a, g = activations[one, channel], gradients[one, channel]
            weight = 0.0
            for flow in g.flatten().tolist():
                alpha = flow**2 / (2 * flow**2 + float(a.sum()) * flow**3)
                weight += alpha * max(flow, 0.0)
            expected[one] += weight * a
    torch.testing.assert_close(combine(activations, gradients), expected)


def test_places_without_a_gradient_count_nothing() -> None:
    assert not combine(torch.rand(1, 2, 3, 3), torch.zeros(1, 2, 3, 3)).any()
