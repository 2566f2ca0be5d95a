from pathlib import Path

import numpy as np
import pytest
from preprocessing.heads import ball_head

from ichnos.errors import GeometryError, PixelError, ScanNotFoundError
from ichnos.phantoms import PhantomSettings, make_phantom
from ichnos.preprocessing.brain_mask import BrainMask, find_brain_mask, judge_brain_mask
from ichnos.scans import write_mask
from ichnos.scans.scan import Mask, Scan
from ichnos.segmentation import brain_masks
from ichnos.segmentation.brain_masks import NETWORKS, find_drawn_mask, mask_brain, predict_brain_mask

COARSE = ((20, 64, 64), (7.5, 3.2, 3.2))


def write_drawn(scan: Scan, path: Path, voxels: np.ndarray | None = None) -> str:
    write_mask(Mask(scan.voxels_hu == 32.0 if voxels is None else voxels, scan.geometry), path)
    return str(path)


def test_a_drawn_mask_is_taken_as_it_is_and_judged(tmp_path: Path) -> None:
    scan = ball_head(*COARSE)
    drawn = scan.voxels_hu == 32.0
    taken = mask_brain(scan, write_drawn(scan, tmp_path / "brain.nii.gz"))
    assert np.array_equal(taken.mask.voxels, drawn)
    assert not taken.is_doubtful
    small = drawn & (np.arange(20) < 6)[:, None, None]
    assert mask_brain(scan, write_drawn(scan, tmp_path / "small.nii.gz", small)).is_doubtful


def test_a_mask_of_another_scan_is_refused(tmp_path: Path) -> None:
    scan = ball_head(*COARSE)
    elsewhere = write_drawn(ball_head((20, 64, 64), (7.5, 3.0, 3.0)), tmp_path / "brain.nii.gz")
    with pytest.raises(GeometryError, match=r"brain\.nii\.gz.*off the scan"):
        mask_brain(scan, elsewhere)


def test_a_cut_short_mask_is_refused(tmp_path: Path) -> None:
    scan = ball_head(*COARSE)
    path = Path(write_drawn(scan, tmp_path / "brain.nii.gz"))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(PixelError):
        mask_brain(scan, str(path))


def test_neither_a_method_nor_a_file() -> None:
    with pytest.raises(ScanNotFoundError, match="classic"):
        mask_brain(ball_head(*COARSE), "classic")


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nii", "a/brain.nii.gz"])
def test_a_drawn_mask_is_found_by_the_name_of_its_case(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    assert find_drawn_mask(tmp_path, "a") == tmp_path / name
    assert find_drawn_mask(tmp_path / name, "of any case") == tmp_path / name
    with pytest.raises(ScanNotFoundError, match=r"b\.nii\.gz"):
        find_drawn_mask(tmp_path, "b")


def judged(scan: Scan, doubts: tuple[str, ...]) -> BrainMask:
    return BrainMask(judge_brain_mask(scan, scan.voxels_hu == 32.0).mask, doubts)


@pytest.mark.parametrize(
    ("classical", "learned", "takes_learned"),
    [
        ((), (), False),
        (("small",), (), True),
        (("small",), ("lopsided",), False),
        (("small",) * 2, ("lopsided",), True),
    ],
)
def test_auto_turns_to_the_learned_mask_where_the_classical_is_doubtful(
    monkeypatch: pytest.MonkeyPatch, classical: tuple[str, ...], learned: tuple[str, ...], takes_learned: bool
) -> None:
    scan = ball_head(*COARSE)
    masks = judged(scan, classical), judged(scan, learned)
    monkeypatch.setattr(brain_masks, "find_brain_mask", lambda scan: masks[0])
    monkeypatch.setattr(brain_masks, "_find_by_tissue", lambda scan: masks[1])
    assert mask_brain(scan) is masks[takes_learned]


def test_auto_takes_something_before_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ball_head(*COARSE)
    scan = Scan(np.where(whole.voxels_hu == 32.0, np.float32(1000.0), whole.voxels_hu), whole.geometry)
    learned = judged(whole, ("lopsided",))
    monkeypatch.setattr(brain_masks, "_find_by_tissue", lambda scan: learned)
    assert not find_brain_mask(scan).mask.voxels.any()
    assert mask_brain(scan) is learned
    assert np.array_equal(mask_brain(whole).mask.voxels, find_brain_mask(whole).mask.voxels)


def test_of_few_slices_auto_takes_both_masks_where_bone_encloses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = ball_head((3, 64, 64), (7.5, 3.2, 3.2))
    brain = scan.voxels_hu == 32.0
    half = brain & (np.arange(64) < 32)
    monkeypatch.setattr(brain_masks, "find_brain_mask", lambda scan: judge_brain_mask(scan, half))
    monkeypatch.setattr(brain_masks, "_find_by_tissue", lambda scan: judge_brain_mask(scan, np.ones_like(half) & ~half))
    found = mask_brain(scan).mask.voxels
    assert np.array_equal(found & (scan.voxels_hu < 200), brain)


@pytest.mark.parametrize("networks", [NETWORKS, NETWORKS[:1], NETWORKS[1:]])
@pytest.mark.parametrize("exported", [False, True])
def test_the_learned_mask_finds_the_cavity_of_a_phantom(exported: bool, networks: tuple[str, ...]) -> None:
    phantom = make_phantom(17, PhantomSettings(slices=6, rows=96, columns=96, gap_mm=(20.0, 20.0)))
    low, high = (0.0, 255.0) if exported else (-1024.0, 3071.0)
    scan = Scan(np.clip(phantom.scan.voxels_hu, low, high), phantom.scan.geometry)
    found = predict_brain_mask(scan, networks).mask.voxels
    soft = phantom.brain_mask & (phantom.scan.voxels_hu < 150.0)
    assert found[soft].mean() > 0.95
    assert (found & ~phantom.brain_mask).sum() < 0.05 * phantom.brain_mask.sum()


@pytest.mark.parametrize("hu", [-1000.0, 30.0, 1500.0])
def test_the_learned_mask_never_fails(hu: float) -> None:
    whole = ball_head((4, 32, 32), (20.0, 6.0, 6.0))
    assert predict_brain_mask(Scan(np.full_like(whole.voxels_hu, hu), whole.geometry)).is_doubtful


def test_what_either_network_finds_is_in_the_mask_of_both() -> None:
    phantom = make_phantom(3, PhantomSettings(slices=8, rows=64, columns=64))
    both = predict_brain_mask(phantom.scan).mask.voxels
    each = [predict_brain_mask(phantom.scan, (name,)).mask.voxels for name in NETWORKS]
    assert not (each[0] & ~both).any()
    assert not (each[1] & ~both).any()
    assert (each[0] != each[1]).any()


def test_specks_of_one_network_do_not_join_the_mask_of_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = ball_head((3, 64, 64), (7.5, 3.2, 3.2))
    first, second = np.zeros((2, 3, 64, 64), dtype=bool)
    first[:, 20:44, 20:44] = True
    second[:, 22:42, 22:42] = True
    second[1, 30, 44:46] = True  # a speck that touches the first mask
    found = {NETWORKS[0]: first, NETWORKS[1]: second}
    monkeypatch.setattr(brain_masks, "_load_network", lambda name: (name, None))
    monkeypatch.setattr(brain_masks, "_predict", lambda scan, name, recipe: found[name])
    assert np.array_equal(predict_brain_mask(scan).mask.voxels, first)
