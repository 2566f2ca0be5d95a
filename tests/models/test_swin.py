import pytest
import torch
from pydantic import ValidationError
from tiny import SWIN

from ichnos.models.swin import SwinArguments, create_swin


def test_shapes():
    model = create_swin(**SWIN, channels=5, outputs=4)
    assert model(torch.zeros(3, 5, 32, 32)).shape == (3, 4)


def test_it_is_built_as_asked():
    config = create_swin(**SWIN, drop_path=0.2).transformer.config
    assert (config.image_size, config.patch_size, config.window_size, config.embed_dim) == (32, 2, 4, 8)
    assert (list(config.depths), list(config.num_heads)) == ([2, 2], [1, 2])
    assert config.drop_path_rate == 0.2


def test_paths_are_dropped_in_training_only():
    torch.manual_seed(0)
    model = create_swin(**SWIN, drop_path=0.9)
    pixels = torch.randn(4, 3, 32, 32)
    assert not torch.equal(model.train()(pixels), model(pixels))
    assert torch.equal(model.eval()(pixels), model(pixels))


def test_the_paper_swin_b_has_its_88_million_parameters():
    """Swin-B at 384 pixels without its 1000-way classifier (Liu et al. 2021, table 1: 88 M with it)."""
    with torch.device("meta"):
        model = create_swin(
            image_size=384, tile_size=12, depths=[2, 2, 18, 2], attn_heads=[4, 8, 16, 32], embed_dim=128
        )
    assert round(sum(p.numel() for p in model.parameters()) / 1e6) == 87


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tile_sise": 4}, "Extra inputs are not permitted"),
        ({"depths": [2, 2, 2]}, "depths and attn_heads name 3 and 2 stages; they must agree"),
        ({"depths": [], "attn_heads": []}, "depths and attn_heads name 0 and 0 stages; they must agree"),
        ({"attn_heads": [1, 3]}, "stage 2 has 16 channels, not a multiple of its 3 attn_heads"),
        ({"tile_size": 9}, "stage 2 has 8 x 8 tokens, less than one tile of 9"),
        ({"depths": [2] * 4, "attn_heads": [1] * 4}, "stage 4 has 2 x 2 tokens, less than one tile of 4"),
        ({"drop_path": 1.0}, "less than 1"),
        ({"embed_dim": 0}, "greater than 0"),
    ],
)
def test_arguments_that_make_no_network_are_refused(changes, reason):
    with pytest.raises(ValidationError, match=reason):
        SwinArguments.model_validate({**SWIN, **changes})


@pytest.mark.parametrize("changes", [{"tile_size": 8}, {"image_size": 33}, {"depths": [2] * 3, "attn_heads": [1] * 3}])
def test_arguments_just_inside_the_rules_make_one(changes):
    arguments = {**SWIN, **changes}
    size = arguments["image_size"]
    assert create_swin(**arguments)(torch.zeros(1, 3, size, size)).shape == (1, 2)
