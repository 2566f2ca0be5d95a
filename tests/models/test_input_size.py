import pytest
import torch

from ichnos.errors import UsageError
from ichnos.models.input_size import check_input_size


@pytest.mark.parametrize("size", [(16, 16), (32, 48), (256, 16)])
def test_multiples_pass(size):
    check_input_size(torch.zeros(1, 1, *size), 16, "unet")


@pytest.mark.parametrize(
    ("size", "fitting"), [((250, 256), "256 x 256"), ((16, 17), "16 x 32"), ((8, 8), "16 x 16"), ((0, 16), "16 x 16")]
)
def test_other_sides_are_refused_with_the_next_that_fit(size, fitting):
    pattern = (
        rf"^network 'unet' takes sides that are multiples of 16; the slices have {size[0]} x {size[1]} pixels: "
        rf"set the image size to {fitting}$"
    )
    with pytest.raises(UsageError, match=pattern):
        check_input_size(torch.zeros(1, 1, *size), 16, "unet")
