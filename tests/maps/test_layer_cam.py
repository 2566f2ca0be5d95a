import torch

from ichnos.maps.layer_cam import combine


def test_by_hand() -> None:
    activations = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    gradients = torch.tensor([[[[1.0, -3.0]], [[2.0, 0.5]]]])
    torch.testing.assert_close(combine(activations, gradients), torch.tensor([[[1.0 + 6.0, 0.0 + 2.0]]]))
