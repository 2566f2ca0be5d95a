import pydicom
import pytest
from cohorts.miniatures import head_hu, rsna_slice
from cohorts.rsna_miniature import save
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from ichnos.cohorts.readers import rsna_index
from ichnos.cohorts.readers.rsna_index import CUT_SHORT, ImageHeader, index_headers, read_image_header
from ichnos.errors import CohortError

HU = head_hu()


def image(z=0, **changes):
    with pydicom.config.disable_value_validation():
        return rsna_slice(f"ID_{z:09x}", HU[z], 5.0 * z, **changes)


@pytest.fixture
def folder(tmp_path):
    for z in range(5):
        save(image(z), tmp_path / "images" / f"ID_{z:09x}.dcm")
    return tmp_path / "images"


def test_identifiers_are_read_and_nothing_else(folder):
    header = read_image_header(folder / "ID_000000003.dcm", "x")
    assert header == ImageHeader("x", "ID_000000003", "ID_series01", "ID_study_series01", "ID_aaaaaaaa", "")


@pytest.mark.parametrize("missing", [1, 2, 100, len(HU[0].tobytes())])
@pytest.mark.parametrize("implicit", [False, True])
def test_a_file_without_all_of_its_pixels_is_seen(tmp_path, missing, implicit):
    dataset = image()
    if implicit:
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = save(dataset, tmp_path / "x.dcm")
    assert read_image_header(path, "x").problem == ""
    path.write_bytes(path.read_bytes()[:-missing])
    assert read_image_header(path, "x").problem == CUT_SHORT


def test_compressed_pixels_may_be_shorter(tmp_path):
    dataset = image()
    dataset.compress(RLELossless)
    path = save(dataset, tmp_path / "x.dcm")
    assert read_image_header(path, "x").problem == ""


def test_deflated_images_are_whole(tmp_path):
    dataset = image()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    assert read_image_header(save(dataset, tmp_path / "x.dcm"), "x").problem == ""


def test_a_link_that_loops_repeats_no_image(folder):
    (folder / "loop").symlink_to(folder)
    assert len(index_headers(folder)) == 5


def test_other_files_are_told(tmp_path):
    (tmp_path / "x.dcm").write_bytes(b"hello" * 100)
    assert read_image_header(tmp_path / "x.dcm", "x").problem == "not a DICOM file"
    assert "corrupt" in read_image_header(tmp_path / "none.dcm", "x").problem
    path = save(image(), tmp_path / "y.dcm")
    path.write_bytes(path.read_bytes()[:400])
    assert read_image_header(path, "y").problem


def test_workers_find_the_same(folder, monkeypatch):
    monkeypatch.setattr(rsna_index, "CHUNK", 2)
    alone = index_headers(folder)
    assert [header.name for header in alone] == sorted(path.name for path in folder.iterdir())
    assert index_headers(folder, workers=2) == alone


def counted(monkeypatch):
    read = []
    original = rsna_index.read_image_header
    monkeypatch.setattr(rsna_index, "read_image_header", lambda path, name: read.append(name) or original(path, name))
    return read


def test_the_cache_spares_the_second_pass(folder, tmp_path, monkeypatch):
    first = index_headers(folder, cache=tmp_path / "kept" / "headers.tsv")
    read = counted(monkeypatch)
    assert index_headers(folder, cache=tmp_path / "kept" / "headers.tsv") == first
    assert read == []


@pytest.mark.parametrize("cut", [1, 20, 70])
def test_a_pass_that_was_killed_goes_on(folder, tmp_path, monkeypatch, cut):
    cache = tmp_path / "headers.tsv"
    whole = index_headers(folder, cache=cache)
    content = cache.read_bytes()
    cache.write_bytes(content[:-cut])
    read = counted(monkeypatch)
    assert index_headers(folder, cache=cache) == whole
    assert read == ["ID_000000004.dcm"]
    assert cache.read_bytes() == content


@pytest.mark.parametrize("rest", [b"", b"# ich"])
def test_a_cache_cut_within_its_first_line_starts_again(folder, tmp_path, rest):
    cache = tmp_path / "headers.tsv"
    index_headers(folder, cache=cache)
    content = cache.read_bytes()
    cache.write_bytes(rest)
    assert len(index_headers(folder, cache=cache)) == 5
    assert cache.read_bytes() == content


def test_another_file_is_not_overwritten(folder, tmp_path):
    cache = tmp_path / "headers.tsv"
    cache.write_text("my thesis\n")
    with pytest.raises(CohortError, match="not an index of image headers"):
        index_headers(folder, cache=cache)
    assert cache.read_text() == "my thesis\n"


def test_changed_new_and_vanished_images_are_seen(folder, tmp_path, monkeypatch):
    cache = tmp_path / "headers.tsv"
    index_headers(folder, cache=cache)
    save(image(0, patient="ID_bbbbbbbbb"), folder / "ID_000000000.dcm")
    (folder / "ID_000000001.dcm").unlink()
    save(image(2), folder / "ID_9.dcm")
    read = counted(monkeypatch)
    found = {header.name: header for header in index_headers(folder, cache=cache)}
    assert read == ["ID_000000000.dcm", "ID_9.dcm"]
    assert found["ID_000000000.dcm"].patient == "ID_bbbbbbbbb"
    assert "ID_000000001.dcm" not in found


def test_a_link_to_nothing_is_told(folder):
    (folder / "ID_x.dcm").symlink_to(folder / "gone")
    assert "No such file" in index_headers(folder)[-1].problem


def test_a_cache_that_cannot_be_written_is_one_line(folder, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CohortError, match="cannot be written"):
        index_headers(folder, cache=tmp_path / "file" / "headers.tsv")
