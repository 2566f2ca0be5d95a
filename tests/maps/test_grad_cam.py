import torch
from maps.nets import some_pixels, swin

from ichnos.maps.grad_cam import combine
from ichnos.maps.methods import explain
from ichnos.maps.settings import choose_settings


def test_by_hand() -> None:
    activations = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])
    gradients = torch.tensor([[[[1.0, 3.0]], [[-2.0, 0.0]]]])  # means 2 and -1
    torch.testing.assert_close(combine(activations, gradients), torch.tensor([[[2.0 - 3.0, 4.0 - 4.0]]]))


def test_the_reference_explains_what_was_predicted() -> None:
    model, pixels = swin(), some_pixels(4)
    with torch.no_grad():
        first, second = model(pixels).unbind(1)
        model.transformer.classifier.bias += torch.stack([torch.zeros(()), (first - second).median() + 1e-3])
    reference = explain(model, pixels, choose_settings("grad-cam", "reference"), (1,))
    asked = explain(model, pixels, choose_settings("grad-cam"), (0, 1))
    predicted = asked.logits.argmax(1)
    assert set(predicted.tolist()) == {0, 1}, "the slices must differ for the test to tell"
    expected = asked.maps[torch.arange(4), predicted]
    torch.testing.assert_close(reference.maps[:, 0], expected, atol=1e-5, rtol=0)
