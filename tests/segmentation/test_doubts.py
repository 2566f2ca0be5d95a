from functools import cache

import numpy as np
import pytest
import torch
from preprocessing.heads import canonical_geometry
from segmentation.stubs import SEGMENTATION_NETWORK, make_unet_checkpoint
from tiny import box_scan

from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.preprocessing.brain_mask import BrainMask
from ichnos.scans.hounsfield import NOT_FINITE, SHIFTED_NOTE
from ichnos.scans.scan import AIR_HU, Mask, Scan, take_slice
from ichnos.segmentation.doubts import (
    CUT_OFF,
    FACE_DOWN,
    NO_HEAD,
    ONE_SLICE,
    REVERSED,
    HeadShape,
    doubt,
    doubt_order,
    doubt_sampling,
    doubt_size,
    find_shape,
    holds_brain,
)
from ichnos.segmentation.evidence import Evidence
from ichnos.segmentation.segmenter import make_segmenter

SETTINGS = PhantomSettings(slices=12, rows=64, columns=64, tilt_degrees=(0.0, 0.0))


@cache
def phantom(seed):
    return make_phantom(seed, SETTINGS)


def doubts_of(seed, change):
    """What is odd about a phantom that was changed, its true cavity with it; its coarse pixels left out."""
    made = phantom(seed)
    scan = Scan(np.ascontiguousarray(change(made.scan.voxels_hu)), made.scan.geometry)
    cavity = Mask(np.ascontiguousarray(change(made.brain_mask)), scan.geometry)
    shape = scan.voxels_hu.shape
    evidence = Evidence(
        scan, BrainMask(cavity, ()), np.zeros(shape, np.float32), np.ones(shape[0], np.float32), np.ones(shape, bool)
    )
    told = doubt(evidence, SEGMENTATION_NETWORK).doubts
    assert [each for each in told if "a pixel measures" in each] == doubt_sampling(scan)
    return tuple(each for each in told if "a pixel measures" not in each)


CHANGES = {
    "as it is": (lambda voxels: voxels, ()),
    "mirrored": (lambda voxels: voxels[:, :, ::-1], ()),
    "head to feet": (lambda voxels: voxels[::-1], (REVERSED,)),
    "turned by 180 degrees": (lambda voxels: voxels[:, ::-1, ::-1], (FACE_DOWN,)),
    "both": (lambda voxels: voxels[::-1, ::-1, ::-1], (REVERSED, FACE_DOWN)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", [5, 10])
def test_a_head_that_lies_otherwise_is_told(seed, change):
    turn, expected = CHANGES[change]
    assert doubts_of(seed, turn) == expected


def head_in_eight_bits(voxels):
    return np.clip(voxels, 0, 255) if voxels.dtype != bool else voxels


@pytest.mark.parametrize("seed", [5, 10])
def test_an_eight_bit_export_is_no_reason_for_doubt(seed):
    assert doubts_of(seed, head_in_eight_bits) == ()
    assert doubts_of(seed, lambda voxels: head_in_eight_bits(voxels)[::-1]) == (REVERSED,)


def test_too_few_slices_tell_no_order():
    made = phantom(5)
    reversed_shape = find_shape(
        Scan(made.scan.voxels_hu[::-1].copy(), made.scan.geometry), made.brain_mask[::-1].copy()
    )
    assert doubt_order(reversed_shape) == [REVERSED]
    few = HeadShape(
        *(voxels[::3] for voxels in (reversed_shape.head, reversed_shape.cavity, reversed_shape.air)), (2, 2)
    )
    assert doubt_order(few) == []


@pytest.mark.parametrize(("pixel_mm", "told"), [(1.0, ""), (2.5, "measures 100 mm"), (6.0, "measures 240 mm across")])
def test_a_size_that_no_skull_has_is_told(pixel_mm, told):
    scan = box_scan((3, 60, 60), (5.0, pixel_mm, pixel_mm))
    cavity = np.zeros(scan.voxels_hu.shape, bool)
    cavity[1, 10:50, 10:50] = True
    if pixel_mm == 1.0:
        cavity[:, 5:55, 5:55] = True
        scan = box_scan((3, 60, 60), (5.0, 3.0, 3.0))
    found = doubt_size(scan, cavity)
    assert found == [] if not told else told in found[0]


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "told"),
    [
        ((2, 8, 8), (5.0, 1.5, 1.5), []),
        ((2, 8, 8), (9.0, 1.0, 1.6), ["a pixel measures 1.6 mm"]),
        ((1, 8, 8), (5.0, 0.5, 0.5), [ONE_SLICE]),
        ((1, 8, 8), (5.0, 3.6, 3.6), [ONE_SLICE, "a pixel measures 3.6 mm"]),
    ],
)
def test_coarse_pixels_and_a_lone_slice_are_told(shape, spacing_mm, told):
    found = doubt_sampling(box_scan(shape, spacing_mm))
    assert len(found) == len(told)
    assert all(each.startswith(begin) for each, begin in zip(found, told, strict=True))


def test_a_skull_at_the_edge_is_cut_off():
    scan = box_scan((3, 60, 60), (5.0, 3.0, 3.0))
    cavity = np.zeros(scan.voxels_hu.shape, bool)
    cavity[1, 5:55, 10:] = True
    assert doubt_size(scan, cavity) == [CUT_OFF]


def test_water_and_small_cavities_are_no_brain():
    water, tissue = box_scan((3, 60, 60), hu=0.0), box_scan((3, 60, 60), hu=30.0)
    cavity = np.zeros(water.voxels_hu.shape, bool)
    cavity[1, 10:50, 10:50] = True  # 16 cm2
    assert holds_brain(tissue, cavity)
    assert not holds_brain(water, cavity)
    cavity[1, 10:50, 30:50] = False
    assert not holds_brain(tissue, cavity)


def foot():
    """Five rings of bone with fatty marrow in muscle, a layer of fat around it; 3 mm pixels."""
    geometry = canonical_geometry((6, 64, 64), (5.0, 3.0, 3.0))
    rows, columns = np.ogrid[:64, :64]
    hu = np.full((64, 64), AIR_HU, np.float32)
    body = ((rows - 32) / 11) ** 2 + ((columns - 32) / 20) ** 2
    hu[body < 1.2], hu[body < 1] = -100.0, 50.0
    for place in (18, 25, 32, 39, 46):
        distance = np.hypot(rows - 32, columns - place)
        hu[distance < 3.2], hu[distance < 1.5] = 900.0, -60.0
    return Scan(np.tile(hu, (6, 1, 1)), geometry)


def cylinder(hu):
    geometry = canonical_geometry((6, 64, 64), (5.0, 3.0, 3.0))
    distance = np.hypot(*np.ogrid[-32:32, -32:32])
    image = np.select([distance < 28, distance < 30], [hu, 1000.0], AIR_HU).astype(np.float32)
    return Scan(np.tile(image, (6, 1, 1)), geometry)


def with_nan(scan):
    voxels = scan.voxels_hu.copy()
    voxels[2, 5, 5], voxels[3, 30:32, 30] = np.nan, np.inf
    return Scan(voxels, scan.geometry)


def plain(shape, hu):
    return box_scan(shape, (5.0, 3.0, 3.0), hu)


ODD = {
    "air": (lambda: plain((6, 64, 64), -1000.0), NO_HEAD),
    "one value": (lambda: plain((6, 64, 64), 40.0), "all voxels have the value 40"),
    "a foot": (foot, NO_HEAD),
    "water in plastic": (lambda: cylinder(0.0), NO_HEAD),
    "noise": (
        lambda: Scan(np.random.default_rng(0).normal(0, 400, (6, 64, 64)).astype(np.float32), foot().geometry),
        "",
    ),
    "one slice of air": (lambda: plain((1, 64, 64), -1000.0), NO_HEAD),
    "four pixels": (lambda: plain((1, 2, 2), 10.0), NO_HEAD),
    "all NaN": (lambda: plain((6, 64, 64), np.nan), NOT_FINITE),
}


@cache
def bleeds_everywhere():
    """A U-Net of six outputs that calls every pixel a bleed."""
    checkpoint = make_unet_checkpoint(6)
    with torch.no_grad():
        checkpoint.model.output.bias.fill_(20.0)
    return make_segmenter(checkpoint, "unet", torch.device("cpu"))


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_head_has_an_empty_mask_and_a_flag(name):
    make, told = ODD[name]
    result = bleeds_everywhere()(make())
    assert result.volume_ml == 0.0
    assert result.probability == 0.0
    assert np.isfinite(result.map).all()
    assert any(told in flag for flag in result.flags)
    assert sum(result.subtype_volumes_ml.values()) == 0.0


def test_who_looks_everywhere_keeps_what_was_found():
    segmenter = bleeds_everywhere()
    everywhere = segmenter.with_settings(segmenter.settings.model_copy(update={"within_brain": False}))
    result = everywhere(plain((2, 64, 64), -1000.0))
    assert result.volume_ml > 0
    assert NO_HEAD in result.flags


def test_a_head_is_segmented_whatever_was_done_to_its_numbers():
    scan = phantom(5).scan
    expected = bleeds_everywhere()(scan)
    assert expected.volume_ml > 500
    shifted = bleeds_everywhere()(Scan(scan.voxels_hu + 1024, scan.geometry))
    np.testing.assert_array_equal(shifted.bleed_mask.voxels, expected.bleed_mask.voxels)
    assert SHIFTED_NOTE in shifted.flags
    for made in (with_nan(scan), Scan(np.clip(scan.voxels_hu, 0, 255), scan.geometry)):
        result = bleeds_everywhere()(made)
        assert result.volume_ml == pytest.approx(expected.volume_ml, rel=0.05)
        assert len(result.flags) > len(expected.flags)


def test_one_slice_of_a_head_is_enough():
    result = bleeds_everywhere()(take_slice(phantom(5).scan, 6))
    assert result.volume_ml > 30
