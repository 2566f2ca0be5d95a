"""The public surface is short and changes only on purpose."""

import ichnos

EXPORTS = [
    "IchnosError",
    "Mask",
    "Phantom",
    "PhantomSettings",
    "Scan",
    "Segmentation",
    "Segmenter",
    "load_segmenter",
    "make_phantom",
    "read_mask",
    "read_scan",
    "write_mask",
    "write_overlay",
]


def test_exports_are_the_agreed_ones() -> None:
    assert list(ichnos.__all__) == EXPORTS


def test_exports_are_sorted_and_short() -> None:
    assert sorted(EXPORTS) == EXPORTS
    assert len(EXPORTS) <= 20


def test_every_export_can_be_imported() -> None:
    assert [name for name in EXPORTS if not hasattr(ichnos, name)] == []
