import numpy as np
import pytest
from cohorts.readers.cq500_miniature import THIN_MM, votes, write_cq500, write_reads, write_study, write_zip
from scans.dicom_files import expected_hu

from ichnos.cohorts.readers import open_cohort
from ichnos.cohorts.readers.cq500 import find_studies, open_cq500, read_reads, study_number
from ichnos.errors import ArchiveError, CohortError


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    root = tmp_path_factory.mktemp("cq500")
    write_cq500(root)
    return root


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *[("CQ500-CT-7", 7), ("CQ500CT7 CQ500CT7", 7), ("cq500_ct_007", 7), ("CQ500-CT-0", 0), ("CQ500-CT-70", 70)],
        *[("CQ500-CT-7 (1)", 7), ("CQ500CT309_CQ500CT309", 309), (" CQ500-CT-490 ", 490)],
        *[("CQ500CT7 CQ500CT8", None), ("CQ500-CT-7-bone", None), ("reads", None), ("7", None), ("CQ500", None)],
    ],
)
def test_numbers_of_studies(name, number):
    assert study_number(name) == number


def test_studies_are_read_from_zips_and_folders_with_the_majority_of_their_readers(studies):
    cohort = open_cohort("cq500", studies)
    assert [case.case for case in cohort.cases] == ["CQ500-CT-0", "CQ500-CT-12", "CQ500-CT-201"]
    first, second, third = cohort.cases
    assert first.scan_labels == {
        **dict.fromkeys(("epidural", "intraparenchymal", "intraventricular", "subarachnoid"), False),
        **{"any": True, "subdural": True},
    }
    assert not any(second.scan_labels.values())
    assert len(second.scan_labels) == 6
    assert third.scan_labels["intraparenchymal"] is third.scan_labels["intraventricular"] is True
    assert "epidural" not in third.scan_labels
    assert {case.patient: dict(case.identifiers) for case in cohort.cases} == {
        name: {"cq500": name} for name in ("CQ500-CT-0", "CQ500-CT-12", "CQ500-CT-201")
    }
    assert first.hints["batch"] == "B1"
    assert (first.hints["MassEffect"], first.hints["Fracture"]) == ("yes", "no")
    assert cohort.notes == ("3 of 491 published studies are here",)
    assert not cohort.skipped


@pytest.mark.parametrize("place", [0, 2])
def test_the_plain_thin_head_series_is_taken_and_told(studies, place):
    cohort = open_cq500(studies)
    loaded = cohort.load(cohort.cases[place])
    np.testing.assert_array_equal(loaded.scan.voxels_hu, expected_hu(THIN_MM))
    np.testing.assert_allclose(loaded.scan.geometry.gaps_mm, 1.0)
    choice = loaded.scan.source.series_choice
    assert choice.startswith("took series")
    assert "'CT PLAIN THIN' (7 slices)" in choice
    for left_out in ("'CT 4cc sec 150cc D3D on' (14 slices): contrast", "'CT HRCT' (20 slices): not known to show"):
        assert left_out in choice
    assert loaded.bleed_masks is None


def test_slices_are_labelled_as_far_as_the_study_tells(studies):
    cohort = open_cq500(studies)
    bleeding, free = cohort.load(cohort.cases[0]), cohort.load(cohort.cases[1])
    assert (bleeding.slice_labels == [-1, 0, 0, 0, 0, -1]).all()
    assert (free.slice_labels == 0).all()


def test_a_study_that_is_there_twice_is_one_case_and_the_copies_are_told(tmp_path):
    write_zip(tmp_path, 5)
    write_zip(tmp_path, 5, name="CQ500-CT-5 (1).zip")
    write_study(tmp_path / "more", 5)
    found, skipped = find_studies(tmp_path)
    assert {number: path.name for number, path in found.items()} == {5: "CQ500-CT-5.zip"}
    assert {one.name: one.reason for one in skipped} == {
        "CQ500-CT-5 (1).zip": "CQ500-CT-5.zip is taken for this study",
        "more/CQ500CT5 CQ500CT5": "CQ500-CT-5.zip is taken for this study",
    }


def test_a_study_under_the_name_of_another_is_left_out(tmp_path):
    write_zip(tmp_path, 21, name="CQ500-CT-12.zip")
    write_study(tmp_path / "CQ500-CT-13", 14)
    found, skipped = find_studies(tmp_path)
    assert not found
    assert [one.reason for one in skipped] == [
        "holds CQ500-CT-21; whose labels it has is unclear",
        "holds CQ500-CT-14; whose labels it has is unclear",
    ]


def test_half_a_download_and_strange_zips_are_told(tmp_path):
    write_zip(tmp_path, 1)
    (tmp_path / "CQ500-CT-2.zip.part").write_bytes(b"")
    (tmp_path / "heads.zip").write_bytes(b"")
    (tmp_path / "CQ500-CT-4-bone").mkdir()
    (tmp_path / "CQ500-CT-4-bone/CT000000.dcm").write_bytes(b"")
    (tmp_path / "CQ500-CT-3.zip").write_bytes((tmp_path / "CQ500-CT-1.zip").read_bytes()[:3000])
    write_reads(tmp_path / "reads.csv", [("CQ500-CT-1", "B1", votes())])
    cohort = open_cq500(tmp_path)
    assert {one.name: one.reason for one in cohort.skipped} == {
        "CQ500-CT-2.zip.part": "neither a zip nor a folder",
        "heads.zip": "not named CQ500-CT-<number>.zip",
        "CQ500-CT-4-bone": "DICOM files, but no folder CQ500-CT-<number>",
    }
    assert "studies that nobody read: CQ500-CT-3" in cohort.notes
    with pytest.raises(ArchiveError, match=r"CQ500-CT-3\.zip: not a zip file, or cut short"):
        cohort.load(cohort.cases[1])


def test_rows_that_repeat_contradict_or_are_no_study(tmp_path):
    first = ("CQ500-CT-0", "B1", votes(ICH="110"))
    rows = [
        first,
        first,
        ("CQ500-CT-12", "B2", votes(ICH="010")),
        ("CQ500-CT-12", "B2", votes(ICH="111")),
        ("Total", "", votes()),
    ]
    write_reads(tmp_path / "reads.csv", [*rows, ("CQ500-CT-9", "b1", votes(SAH="110"))])
    reads = read_reads(tmp_path / "reads.csv")
    assert reads.findings[0]["ICH"] is True
    assert reads.findings[12] == {}
    assert reads.batches == {0: "B1", 12: "B2", 9: "B1"}
    assert reads.notes == (
        "reads.csv: studies with two rows that say the same: CQ500-CT-0",
        "reads.csv: studies with rows that contradict each other, nothing is told of them: CQ500-CT-12",
        "reads.csv: 1 rows that are no study were passed over: Total",
    )


def test_a_missing_vote_leaves_a_finding_untold_where_the_others_split(tmp_path):
    write_reads(tmp_path / "reads.csv", [("CQ500-CT-1", "", votes(ICH="1 1", SDH="1 0", EDH=" 0 ", SAH="00 "))])
    findings = read_reads(tmp_path / "reads.csv").findings[1]
    assert findings["ICH"] is True
    assert findings["SAH"] is False
    assert not {"SDH", "EDH"} & set(findings)


def test_tables_that_cannot_be_understood_are_refused(tmp_path):
    path = tmp_path / "reads.csv"
    path.write_text("name,R1:ICH,R2:ICH\nCQ500-CT-1,1,1\n")
    with pytest.raises(CohortError, match="fewer than two readers' columns for EDH, IPH, IVH, SAH, SDH"):
        read_reads(path)
    write_reads(path, [("CQ500-CT-1", "", votes(ICH="120"))])
    with pytest.raises(CohortError, match=r"reads\.csv line 2, column R2:ICH: '2' is neither yes nor no"):
        read_reads(path)
    path.write_text(path.read_text().replace("R2:ICH", "R1:ICH"))
    with pytest.raises(CohortError, match="columns R1:ICH and R1:ICH are the same"):
        read_reads(path)


def test_a_subtype_without_hemorrhage_and_rows_without_a_study_are_told(tmp_path):
    write_study(tmp_path, 1)
    rows = [("CQ500-CT-1", "B1", votes(ICH="001", SDH="011")), ("CQ500-CT-2", "B1", votes())]
    write_reads(tmp_path / "reads.csv", rows)
    notes = open_cq500(tmp_path).notes
    assert "1 studies were read but are not here: CQ500-CT-2" in notes
    assert "the majority sees a subtype, but no hemorrhage: CQ500-CT-1" in notes


def test_no_study_or_no_table_is_refused(tmp_path):
    with pytest.raises(CohortError, match="no CQ500-CT-<number> there"):
        open_cq500(tmp_path)
    write_study(tmp_path, 1)
    with pytest.raises(CohortError, match=r"no reads\.csv; download it"):
        open_cq500(tmp_path)
