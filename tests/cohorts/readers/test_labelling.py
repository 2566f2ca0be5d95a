from pathlib import Path

import numpy as np
from tiny import box_scan

from ichnos.cohorts.case import Case
from ichnos.cohorts.readers.labelling import (
    MASK_DISAGREES,
    SCAN_DISAGREES,
    fill_implied,
    join_labels,
    label_scan,
    labels_of_masks,
    unknown_labels,
)
from ichnos.cohorts.slice_store import LABELS

SCAN = box_scan((3, 4, 4))


def mask(*slices):
    voxels = np.zeros((3, 4, 4), bool)
    voxels[list(slices), 1, 2] = True
    return voxels


def case(**told):
    return Case("c", "p", (Path("x"),), **told)


def test_labels_are_joined_by_key_not_by_order():
    labels = {"b": (1, 0, 0, 0, 0, 1), "a": (0,) * 6, "z": (0,) * 6}
    joined, left = join_labels(labels, ["a", "?", "b"])
    assert joined.tolist() == [[0] * 6, [-1] * 6, [1, 0, 0, 0, 0, 1]]
    assert left == ["z"]


def test_masks_tell_their_slices():
    masks = {"subdural": mask(0), "any": mask(2)}
    told = labels_of_masks(masks, 3, LABELS[1:])
    assert told.tolist() == [[1, 0, 0, 0, 0, 1], [0] * 6, [1, -1, -1, -1, -1, -1]]
    binary = labels_of_masks({"any": mask(1)}, 3, ())
    assert binary.tolist() == [[0] * 6, [1] + [-1] * 5, [0] * 6]
    assert labels_of_masks({}, 3, ()).tolist() == [[0] * 6] * 3, "somebody looked and found nothing"
    assert (labels_of_masks(None, 3, ()) == -1).all()


def test_only_subtypes_that_were_told_apart_are_denied():
    told = labels_of_masks({"subdural": mask(0)}, 3, ("subdural", "epidural"))
    assert told[0].tolist() == [1, 0, -1, -1, -1, 1]


def test_what_is_implied_is_filled_and_nothing_is_overruled():
    labels = np.array([[-1, 1, -1, 0, 0, 0], [0, -1, 1, -1, -1, -1], [-1] * 6], np.int8)
    assert fill_implied(labels, {}).tolist() == [[1, 1, -1, 0, 0, 0], [0, 0, 1, 0, 0, 0], [-1] * 6]
    assert fill_implied(labels, {"any": False})[2].tolist() == [0] * 6
    assert fill_implied(labels, {"subdural": False, "any": True})[2].tolist() == [-1] * 5 + [0]


def test_a_slice_label_stays_and_contradictions_are_counted():
    told = unknown_labels(3)
    told[0, 0] = 0
    found = label_scan(case(scan_labels={"any": False}), SCAN, told, {"any": mask(0, 1)})
    assert found.slice_labels[:, 0].tolist() == [0, 1, 0]
    assert found.repairs == {MASK_DISAGREES: 1, SCAN_DISAGREES: 1}


def test_agreement_is_not_counted():
    found = label_scan(case(scan_labels={"any": True}), SCAN, unknown_labels(3), {"any": mask(0)}, brain_mask=mask(0))
    assert found.repairs == {}
    assert found.brain_mask is not None
    assert (label_scan(case(), SCAN, unknown_labels(3), None).slice_labels == -1).all()
