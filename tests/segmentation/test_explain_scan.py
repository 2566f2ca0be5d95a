import numpy as np
import pytest
import torch
from segmentation.stubs import RECIPE, SETTINGS, bleeding_head, make_checkpoint, make_unet_checkpoint

from ichnos.errors import UsageError
from ichnos.maps.hgi_sam import hgi_sam
from ichnos.preprocessing.grid import ModelGrid
from ichnos.segmentation.explain_scan import explain_scan
from ichnos.segmentation.segmenter import Segmenter, make_segmenter


def segmenter(bias: float = 0.0) -> Segmenter:
    return make_segmenter(make_checkpoint(bias), "stub", torch.device("cpu"))


def test_maps_are_those_of_each_slice_alone_on_the_scans_grid() -> None:
    scan, made = bleeding_head(), segmenter(8.0)
    found = explain_scan(scan, made)
    grid = ModelGrid.place(scan, RECIPE.image_size, RECIPE.field_of_view_mm)
    assert found.targets == ("bleed",)
    assert len(found.slices) == len(scan.voxels_hu)
    z = found.shown
    assert z == found.probabilities[0].argmax()
    pixels = torch.from_numpy(RECIPE.make_channels(grid.to_model(scan.voxels_hu[z : z + 1])))
    expected = grid.to_scan(hgi_sam(made.checkpoint.model, pixels, SETTINGS.stages)[0].numpy())[0]
    np.testing.assert_allclose(found.maps["hgi-sam"][0, z], expected, atol=1e-5)
    assert found.stages["hgi-sam"].shape == (2, *scan.voxels_hu.shape[1:])


def test_only_the_shown_slice_is_explained_where_all_are_negative() -> None:
    found = explain_scan(bleeding_head(), segmenter(-8.0), shown=3)
    assert found.slices.tolist() == [3]
    assert found.maps["hgi-sam"][0, 3].any()
    assert not np.delete(found.maps["hgi-sam"][0], 3, axis=0).any()


def test_several_methods_and_outputs() -> None:
    found = explain_scan(
        bleeding_head(), segmenter(-8.0), ("hgi-sam", "swin-sam", "grad-cam"), ("bleed", "no bleed"), shown=15
    )
    assert {name: maps.shape[0] for name, maps in found.maps.items()} == {"hgi-sam": 2, "swin-sam": 2, "grad-cam": 2}
    assert found.stages.keys() == {"hgi-sam", "swin-sam"}
    np.testing.assert_allclose(found.probabilities.sum(axis=0), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": ("hgisam",)}, "did you mean 'hgi-sam'"),
        ({"targets": ("bleeed",)}, "did you mean 'bleed'"),
        ({"preset": "ours"}, "no preset of maps is called 'ours'"),
        ({"shown": 99}, "slice 99 is not in the scan; it has slices 0 to"),
        ({"methods": ("rollout",)}, "rollout is not defined for attention within tiles"),
    ],
)
def test_what_is_not_there_is_said(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        explain_scan(bleeding_head(), segmenter(), **arguments)


def test_a_segmentation_network_has_no_answer_to_explain() -> None:
    unet = make_segmenter(make_unet_checkpoint(), "unet-1", torch.device("cpu"))
    with pytest.raises(UsageError, match=r"model 'unet-1' is a segmentation network: .*give a classifier with -m"):
        explain_scan(bleeding_head(), unet)
