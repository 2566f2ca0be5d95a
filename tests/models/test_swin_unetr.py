import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from ichnos.errors import UsageError
from ichnos.models.swin_unetr import create_swin_unetr


def test_monai_is_not_loaded_before_it_is_needed():
    code = "import sys; from ichnos.models.create import MODELS; print('monai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_light_network_of_the_first_paper():
    model = create_swin_unetr()
    layers = [getattr(model.network.swinViT, f"layers{level}")[0] for level in range(1, 5)]
    assert [len(layer.blocks) for layer in layers] == [2, 2, 2, 2]
    assert [layer.blocks[0].attn.num_heads for layer in layers] == [2, 4, 8, 16]
    assert [layer.blocks[0].attn.dim for layer in layers] == [12, 24, 48, 96]
    assert [block.shift_size for block in layers[0].blocks] == [(0, 0), (3, 3)]
    assert model(torch.zeros(1, 3, 64, 96)).shape == (1, 2, 64, 96)


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((64, 72), r"takes sides that are multiples of 32; .* set the image size to 64 x 96$"),
        ((32, 32), r"takes slices of more than 32 x 32 pixels: set the image size to 64 x 64$"),
    ],
)
def test_sizes_that_it_cannot_take_are_refused(size, reason):
    with pytest.raises(UsageError, match=f"^network 'swin-unetr' {reason}"):
        create_swin_unetr()(torch.zeros(1, 3, *size))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"attn_heads": [2, 4, 8, 5]}, "level 4 has 96 features, not a multiple of its 5 attn_heads"),
        ({"feature_size": 10}, "multiple of 12"),
        ({"depths": [2, 2, 2]}, "Field required"),
        ({"img_size": 64}, "Extra inputs are not permitted"),
    ],
)
def test_arguments_that_make_no_network_are_refused(changes, reason):
    with pytest.raises(ValidationError, match=reason):
        create_swin_unetr(**changes)
