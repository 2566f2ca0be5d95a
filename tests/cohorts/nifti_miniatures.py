"""Collections of NIfTI files in miniature, each with the warts of its kind; all hold `class_map` masks."""

import json

import numpy as np
from cohorts.miniatures import SHAPE, class_map, head_hu, litter, save_nifti, write_csv
from scans.dicom_files import save_series

A, B, C, D = "ID_a1_ID_5c0", "ID_a1_ID_77f", "ID_b2_ID_9de", "ID_c3_ID_0"
"""Names as BHSD gives them: patient and study; the first two are of one patient."""


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def write_nnunet(root):
    """Regions, a tilted scan with a mask stored upside down, a case without mask, a mask without image, a test case."""
    folder = root / "Dataset042_Bleeds"
    labels = {"background": 0, "whole": [1, 2, 4, 5], "EDH": 1, "IPH": 2, "edema": 3, "SAH": 4, "sdh": 5}
    write_json(
        folder / "dataset.json",
        {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 4, "file_ending": ".nii.gz"},
    )
    for number, (name, shear, flips) in enumerate(
        [("case_1", 0.0, (False, False, False)), ("case_10", 1.3, (True, False, True)), ("case_2", 0.0, (False,) * 3)]
    ):
        save_nifti(folder / "imagesTr" / f"{name}_0000.nii.gz", head_hu(seed=number), shear_mm=shear)
        if name != "case_2":
            save_nifti(folder / "labelsTr" / f"{name}.nii.gz", class_map(), shear_mm=shear, flips=flips)
    save_nifti(folder / "labelsTr" / "case_99.nii.gz", class_map())
    save_nifti(folder / "imagesTs" / "case_3_0000.nii.gz", head_hu(seed=5))
    (folder / "imagesTr" / "readme.txt").touch()
    litter(folder / "imagesTr")
    litter(folder / "labelsTr")
    write_json(
        folder / "splits_final.json", [{"train": ["case_10"], "val": ["case_1"]}, {"train": [], "val": ["case_10"]}]
    )
    return root


def write_bhsd(root):
    """Masks as floats and upside down, one missing, one without image, scans without masks."""
    base = root / "label_192"
    for number, name in enumerate((A, B, C)):
        save_nifti(base / "images" / f"{name}.nii.gz", head_hu(seed=number), shear_mm=0.5 * number)
    save_nifti(base / "ground truths" / f"{A}.nii.gz", class_map())
    save_nifti(
        base / "ground truths" / f"{B}.nii.gz", class_map().astype(np.float32), shear_mm=0.5, flips=(True, True, False)
    )
    save_nifti(base / "ground truths" / f"{D}.nii.gz", class_map())
    save_nifti(root / "unlabel_2000" / f"{D}.nii.gz", head_hu(seed=9))
    litter(base / "images")
    litter(base / "ground truths")
    litter(root)
    return root


def write_mbh_seg(root):
    """Three raters of whom one drew nothing, a folder without image, scans labelled as a whole."""
    train, val = root / "MBH_Train_2025_voxel-label", root / "MBH_Val_2025_voxel-label"
    save_nifti(train / A / "image.nii.gz", head_hu(seed=1))
    save_nifti(train / A / "label_annot_1.nii.gz", class_map())
    save_nifti(train / A / "label_annot_2.nii.gz", class_map(), flips=(False, True, False))
    save_nifti(train / A / "label_annot_4.nii.gz", np.zeros(SHAPE, np.uint8))
    save_nifti(val / C / "image.nii.gz", head_hu(seed=2))
    save_nifti(val / C / "label_annot_5.nii.gz", class_map())
    save_nifti(val / "ID_no_ID_image" / "label_annot_1.nii.gz", class_map())
    litter(train / A)
    whole = root / "MBH_Train_2025_case-label"
    save_nifti(whole / f"{B}.nii.gz", head_hu(seed=3))
    save_nifti(whole / f"{D}.nii.gz", head_hu(seed=4))
    header = "patientID_studyID,any,epidural,intraparenchymal,intraventricular,subarachnoid,subdural"
    write_csv(
        root / "MBH_Train_2025_case-label.csv",
        header,
        f"{B},1,0,0,0,0,1",
        f"{D},0,0,0,0,0,0",
        "ID_gone_ID_gone,1,0,0,0,0,1",
        newline="\r\n",
        mark="\ufeff",
    )
    return root


def write_instance22(root):
    """Zeros in front on one side only, values 0/255, a missing mask, a part without masks."""
    train = root / "train_2"
    save_nifti(train / "data" / "001.nii.gz", head_hu(seed=1))
    save_nifti(train / "label" / "1.nii", (class_map() > 0) * np.uint8(255), flips=(True, False, False))
    save_nifti(train / "data" / "002.nii.gz", head_hu(seed=2))
    save_nifti(train / "data" / "010.nii.gz", head_hu(seed=3), shear_mm=0.7)
    save_nifti(train / "label" / "010.nii.gz", np.zeros(SHAPE, np.uint8), shear_mm=0.7)
    save_nifti(root / "evaluation" / "Data" / "001.nii.gz", head_hu(seed=4))
    litter(train / "data")
    litter(train / "label")
    return root


def write_folder(root):
    """A CSV of Excel in German: semicolons, mark, CRLF; a DICOM folder, two raters, labels by z, an absent scan."""
    save_series(root / "scans" / "dicom", (0, 5, 10, 15))
    save_nifti(root / "scans" / "b.nii.gz", head_hu(seed=1), shear_mm=0.9)
    for rater in ("1", "2"):
        drawn = (class_map() > 0).astype(np.uint8) * 255
        save_nifti(root / "masks" / f"b{rater}.nii.gz", drawn, shear_mm=0.9, flips=(rater == "2", False, False))
    save_nifti(root / "masks" / "brain.nii.gz", (head_hu(seed=1) < 100).astype(np.uint8), shear_mm=0.9)
    save_nifti(root / "scans" / "c.nii", head_hu(seed=2))
    write_csv(root / "labels" / "c.csv", "z,any,subdural", "4,1,1", "0,0,", "2,0,0")
    return write_csv(
        root / "cohort.csv",
        "scan;case;patient;any;subdural;mask:Ann;mask:Bob;brain_mask;slice_labels;split;licence;remark",
        "scans\\dicom;;p1;0;;;;;;train;CC0;",
        "scans/b.nii.gz;b-1;p2;yes;;masks/b1.nii.gz;masks/b2.nii.gz;masks/brain.nii.gz;;test;CC0;x",
        "scans/c.nii;;;;;;;;labels/c.csv;;;",
        "scans/gone.nii;;p4;1;1;;;;;;;",
        newline="\r\n",
        mark="\ufeff",
    )
