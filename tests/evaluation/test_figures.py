import numpy as np
import pytest
from PIL import Image

from ichnos.evaluation.figures import (
    Interval,
    draw_boxes,
    draw_budget_curve,
    draw_calibration,
    draw_embeddings,
    draw_p_values,
    draw_roc,
    write_figure,
)

RNG = np.random.default_rng(0)


def curve():
    points = {1: Interval(0.2, 0.1, 0.4), 5: Interval(0.5, 0.3, 0.6)}
    return draw_budget_curve({"mixed": points, "binary": {5: Interval(0.6, 0.5, 0.7)}}, "Dice", "phantoms")


def boxes():
    return draw_boxes({"all": {"a": [0.1, 0.5, 0.9], "b": [0.2, 0.2]}, "subdural": {"b": [0.3]}}, "Dice", "phantoms")


def p_values():
    return draw_p_values(["a", "b"], np.array([[np.nan, 0.0004], [0.0004, np.nan]]), "Welch, Holm", "phantoms")


def embeddings():
    points = RNG.normal(size=(30, 2))
    return draw_embeddings({"a": points, "b": points}, {"subdural": np.arange(30) < 9}, "phantoms")


def roc():
    rate = np.array([0.0, 0.2, 1.0])
    return draw_roc({"a": (rate, np.sqrt(rate))}, {"a": 0.812}, "phantoms")


def calibration():
    return draw_calibration({"a": [(0.1, 0.2, 40), (0.5, 0.4, 0), (0.9, 0.7, 10)]}, {"a": 0.123}, "phantoms")


ALL = [curve, boxes, p_values, embeddings, roc, calibration]


def texts(figure):
    found = [figure._suptitle, figure._supxlabel]
    for axes in figure.axes:
        found += [axes.title, *axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels()]
        found += axes.get_legend().get_texts() if axes.get_legend() else []
    return [text.get_text() for text in found if text is not None]


@pytest.mark.parametrize("draw", ALL)
def test_each_figure_says_what_it_was_measured_on_and_what_it_is_not_for(draw):
    shown = " ".join(texts(draw()))
    assert "phantoms" in shown
    assert "Research use only" in shown


@pytest.mark.parametrize("draw", ALL)
def test_each_figure_is_written_as_a_picture_and_the_same_again(draw, tmp_path):
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state
    write_figure(draw(), tmp_path / "a.png")
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state
    write_figure(draw(), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 5


def test_points_and_intervals_stand_where_they_belong():
    lines = curve().axes[0].containers
    x, y = lines[0].lines[0].get_data()
    assert list(y) == [0.2, 0.5]
    assert [round(value) for value in x] == [0, 1]
    (low, high) = next(segment[:, 1] for segment in lines[0].lines[2][0].get_segments())
    assert (low, high) == (pytest.approx(0.1), pytest.approx(0.4))


def test_boxes_tell_how_many_they_hold():
    assert "all\n(n = 3)" in texts(boxes())
    assert "subdural\n(n = 1)" in texts(boxes())


def test_small_p_values_are_not_printed_as_zero():
    assert texts(p_values()).count("<.001") == 2


def test_the_area_stands_in_the_legend():
    assert "a: 0.812" in texts(roc())


def test_an_empty_bin_is_left_out():
    line = calibration().axes[0].lines[1]
    assert list(line.get_xdata()) == [0.1, 0.9]


def test_a_slice_of_no_class_is_grey_and_no_slice_is_lost():
    first = embeddings().axes[0].collections
    assert [len(points.get_offsets()) for points in first] == [21, 9]
