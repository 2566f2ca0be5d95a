import pytest
from maps.nets import TRANSFORMERS, liven, swin
from torch import nn

from ichnos.errors import UsageError
from ichnos.maps.families import find_anatomy


def test_a_swin_has_stages_of_tiled_blocks() -> None:
    anatomy = find_anatomy(swin(depths=(2, 4)))
    assert [(block.stage, block.number) for block in anatomy.blocks] == [(1, 0), (1, 1), *((2, n) for n in range(4))]
    assert (anatomy.stages, anatomy.is_tiled) == (2, True)


@pytest.mark.parametrize("name", [name for name in TRANSFORMERS if "swin" not in name])
def test_the_others_have_one_stage(name: str) -> None:
    anatomy = find_anatomy(liven(TRANSFORMERS[name]()))
    assert [(block.stage, block.number) for block in anatomy.blocks] == [(1, number) for number in range(4)]
    assert not anatomy.is_tiled
    assert isinstance(anatomy.blocks[0].first_norm, nn.LayerNorm)
    assert isinstance(anatomy.patches, nn.Conv2d)


def test_a_subclass_of_a_known_block_is_known() -> None:
    model = swin()
    for block in find_anatomy(model).blocks:
        block.module.__class__ = type("OwnSwinLayer", (type(block.module),), {})
    assert len(find_anatomy(model).blocks) == 6


def test_anything_else_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"Conv2d holds no transformer .* Swin, ViT, DeiT, Beit, Dinov2"):
        find_anatomy(nn.Conv2d(1, 1, 1))
