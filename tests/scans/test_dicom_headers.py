import pytest
from scans.dicom_files import ct_slice, enhanced, group, pattern, save

from ichnos.errors import PixelError
from ichnos.scans.dicom_headers import HEADER_TAGS, one_line, read_headers
from ichnos.scans.inputs import input_files


def headers_of(*paths):
    with input_files(paths) as files:
        return read_headers(files)


def header_of(path, dataset):
    (header,), _ = headers_of(save(dataset, path))
    return header


def test_header(tmp_path):
    header = header_of(
        tmp_path / "1",
        ct_slice(z=2.5, series="7", SeriesDescription="Head  5.0", ConvolutionKernel="H31s", BodyPartExamined="HEAD"),
    )
    assert header.position_mm == (-8.0, -8.4, 2.5)
    assert header.orientation == (1, 0, 0, 0, 1, 0)
    assert header.pixel_spacing_mm == (0.7, 0.5)
    assert (header.rows, header.columns, header.samples, header.thickness_mm) == (24, 32, 1, 5.0)
    assert header.rescale == (1, -1024)
    assert (header.series_number, header.description, header.kernel) == ("7", "Head 5.0", "H31s")
    assert (header.modality, header.body_part, header.frame) == ("CT", "HEAD", None)
    assert header.uid == header.instance_uid


def test_what_is_missing_or_malformed_is_none(tmp_path):
    header = header_of(
        tmp_path / "1",
        ct_slice(
            ImagePositionPatient=[1.0, 2.0], PixelSpacing=None, RescaleSlope=None, SliceThickness="", SeriesNumber=None
        ),
    )
    assert (header.position_mm, header.pixel_spacing_mm, header.rescale, header.thickness_mm) == (None,) * 4
    assert (header.series_number, header.contrast, header.rescale_type) == ("", "", "")


@pytest.mark.parametrize("orientation", [[1, 0, 0, 0, 0.5, 0.5], [1, 0, 0, 1, 0, 0], [0] * 6])
def test_orientation_that_is_none(tmp_path, orientation):
    assert header_of(tmp_path / "1", ct_slice(ImageOrientationPatient=orientation)).orientation is None


def test_pixels_without_size(tmp_path):
    assert header_of(tmp_path / "1", ct_slice(PixelSpacing=[0.5, 0])).pixel_spacing_mm is None


def test_malformed_number(tmp_path):
    path = save(ct_slice(), tmp_path / "1")
    path.write_bytes(path.read_bytes().replace(b"-8.4", b"x8.4"))
    assert headers_of(path)[0][0].position_mm is None


def test_enhanced_frames_are_slices(tmp_path):
    dataset = enhanced([pattern(), pattern()], [(0, 0, 1), (0, 0, 2)])
    dataset.ContrastBolusAgentSequence = group(CodeMeaning="Iohexol")
    path = save(dataset, tmp_path / "1")
    headers, _ = headers_of(path)
    assert [header.uid for header in headers] == [f"{dataset.SOPInstanceUID}#{frame}" for frame in (1, 2)]
    assert [header.position_mm[2] for header in headers] == [1, 2]
    assert headers[1].contrast == "Iohexol"


def test_other_files_are_passed_over(tmp_path):
    save(ct_slice(), tmp_path / "1")
    (tmp_path / "notes.txt").write_text("a text that is long enough to have a place for the DICOM mark " * 4)
    (tmp_path / "empty.xml").touch()
    called_dicom = [tmp_path / name for name in ("zero.dcm", "IM0001", "1.2.840", "x.IMA")]
    for path in called_dicom:
        path.touch()
    headers, not_dicom = headers_of(tmp_path)
    assert len(headers) == 1
    assert sorted(not_dicom) == sorted(map(str, called_dicom))


def test_file_without_preamble(tmp_path):
    path = save(ct_slice(z=3.0), tmp_path / "1")
    path.write_bytes(path.read_bytes()[132:])
    assert headers_of(path)[0][0].position_mm == (-8.0, -8.4, 3.0)


def test_header_cut_short_names_the_file(tmp_path):
    path = save(ct_slice(), tmp_path / "1.dcm")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(PixelError, match=r"1.dcm: the DICOM header is cut short or corrupt .*copy the file again"):
        headers_of(path)


def test_names_of_patients_are_not_read():
    assert not [tag for tag in HEADER_TAGS if tag.startswith("Patient")]


def test_messages_of_libraries_are_shortened():
    assert one_line(ValueError("two\n lines")) == "two lines"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 999))) == 160
