from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import box_scan

from ichnos.reports.explanation import draw_explanation, write_explanation
from ichnos.segmentation.explain_scan import ScanExplanation

SCAN = box_scan(shape=(3, 16, 16))


def made(targets: tuple[str, ...] = ("bleed",), methods: tuple[str, ...] = ("hgi-sam", "grad-cam")) -> ScanExplanation:
    maps = np.zeros((len(targets), 3, 16, 16), np.float32)
    maps[:, 1, 4:8, 4:8] = 1.0
    stages = {"hgi-sam": maps[0, [1, 1, 1]]}
    probabilities = np.full((len(targets), 3), 0.9, np.float32)
    return ScanExplanation(SCAN, targets, dict.fromkeys(methods, maps), probabilities, np.array([1]), 1, stages)


def bleed() -> np.ndarray:
    voxels = np.zeros((3, 16, 16), bool)
    voxels[1, 4:8, 4:8] = True
    return voxels


def test_one_row_of_stages_and_one_for_each_output() -> None:
    one = draw_explanation(made(), bleed(), "case")
    three = draw_explanation(made(("bleed", "subdural", "any")), bleed(), "case")
    assert one.width == 6 * 220  # slice, three stages, fused, mask
    assert (three.height - 18) // 4 == (one.height - 18) // 2


def test_heat_lies_where_the_map_is() -> None:
    pixels = np.asarray(draw_explanation(made(), bleed(), "case")).astype(int)
    stage = pixels[36 : 36 + 220, 220:440]
    inside, outside = stage[75:95, 75:95].mean((0, 1)), stage[150:200, 150:200].mean((0, 1))
    assert inside[0] - outside[0] > 80  # the light end of the heat, against grey
    mask = pixels[36 : 36 + 220, 5 * 220 :]
    assert (mask[..., 0] - mask[..., 2] > 100).any()


def test_written_in_one_step(tmp_path: Path) -> None:
    write_explanation(made(), bleed(), tmp_path / "a" / "b.png", "case")
    with Image.open(tmp_path / "a" / "b.png") as image:
        assert image.format == "PNG"


@pytest.mark.parametrize("aspect", [1.0, 2.0])
def test_pixels_that_are_not_square_are_stretched(aspect: float) -> None:
    scan = box_scan(shape=(3, 16, 16), spacing_mm=(5.0, aspect, 1.0))
    found = made()
    image = draw_explanation(ScanExplanation(**{**found.__dict__, "scan": scan}), bleed(), "case")
    assert image.height == 18 + 2 * (18 + round(220 * aspect))
