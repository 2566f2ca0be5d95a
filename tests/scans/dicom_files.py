"""DICOM files for the tests, built with pydicom alone: an oracle that shares no code with the room."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

ROWS, COLUMNS = 24, 32
SPACING = (0.7, 0.5)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"


def uid(*words):
    return generate_uid(entropy_srcs=[str(word) for word in words])


def pattern(rows=ROWS, columns=COLUMNS, *, seed=0):
    """HU of a slice: air at the border, bone at a corner of the inside, soft tissue elsewhere."""
    image = np.random.default_rng(seed).integers(0, 80, (rows, columns))
    image[0], image[-1], image[:, 0], image[:, -1] = -1000, -1000, -1000, -1000
    image[2:4, 2:5] = 900
    return image


def ct_slice(hu=None, *, z=0.0, position=None, orientation=AXIAL, series="1", **changes):
    """One valid CT slice in explicit VR little endian, 16 bits signed, slope 1, intercept -1024.

    `changes` set elements by keyword; None deletes.
    """
    hu = pattern(seed=int(z * 10) % 1000) if hu is None else hu
    position = (-8.0, -8.4, float(z)) if position is None else position
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = uid("slice", series, position, orientation)
    dataset.StudyInstanceUID = uid("study")
    dataset.SeriesInstanceUID = uid("series", series)
    dataset.SeriesNumber = series
    dataset.Modality = "CT"
    dataset.PatientName = "Secret^Name"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient = [float(value) for value in position]
    dataset.ImageOrientationPatient = list(orientation)
    dataset.PixelSpacing = list(SPACING)
    dataset.SliceThickness = 5.0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = hu.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = (hu + 1024).astype("<i2").tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def save(dataset, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def save_series(folder, heights=(0, 5, 10, 15), **options):
    """Save one axial slice per height (mm); names do not follow the order of positions."""
    names = np.random.default_rng(0).permutation(len(heights))
    return [
        save(ct_slice(z=z, **options), folder / f"{options.get('series', '1')}-{name:03d}")
        for z, name in zip(heights, names, strict=True)
    ]


def expected_hu(heights=(0, 5, 10, 15)):
    return np.array([pattern(seed=int(z * 10) % 1000) for z in heights], np.float32)


def enhanced(images, positions, *, orientation=AXIAL, rescale=(1, -1024), **changes):
    """A multi-frame Enhanced CT; rescale is shared, positions are per frame."""
    dataset = ct_slice(images[0], **changes)
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceThickness",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(dataset, keyword)
    dataset.SOPClassUID = ENHANCED_CT
    dataset.NumberOfFrames = len(images)
    dataset.PixelData = b"".join((image - rescale[1]).astype("<i2").tobytes() for image in images)
    orientations = group(ImageOrientationPatient=list(orientation))
    shared = Dataset()
    shared.PlaneOrientationSequence = orientations
    shared.PixelMeasuresSequence = group(PixelSpacing=list(SPACING), SliceThickness=5.0)
    shared.PixelValueTransformationSequence = group(
        RescaleSlope=rescale[0], RescaleIntercept=rescale[1], RescaleType="HU"
    )
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for position in positions:
        frame = Dataset()
        frame.PlanePositionSequence = group(ImagePositionPatient=[float(value) for value in position])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dataset


def group(**elements):
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return Sequence([item])


def tilted(degrees):
    """Orientation of a gantry tilted about the left-right axis."""
    angle = np.radians(degrees)
    return (1.0, 0.0, 0.0, 0.0, round(float(np.cos(angle)), 12), round(float(-np.sin(angle)), 12))


def read_back(path):
    return pydicom.dcmread(path)
