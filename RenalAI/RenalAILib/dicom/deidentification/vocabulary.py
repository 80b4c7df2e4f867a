"""Vocabulary: text that may stay. The profile lists what must go; here it is the other way round for all free text.

PS3.15 keeps every attribute that its table does not name, also one in which somebody typed a name. Free text therefore
stays only in attributes that a machine or a code list fills, and words of descriptions only where they are in a list.
"""

from __future__ import annotations

import re

SAFE_TEXT = frozenset(
    """
    Manufacturer ManufacturerModelName SoftwareVersions ConvolutionKernel FilterType FilterMaterial SequenceName
    CodeValue LongCodeValue URNCodeValue CodingSchemeDesignator CodingSchemeVersion CodeMeaning ContextIdentifier
    CodingSchemeName CodingSchemeResponsibleOrganization CodingSchemeRegistry
    SegmentAlgorithmName AlgorithmName AlgorithmVersion AlgorithmParameters AlgorithmSource
    DimensionDescriptionLabel LUTLabel LUTExplanation RescaleType WindowCenterWidthExplanation
    RadiopharmaceuticalVolume DoseCalibrationFactor SegmentationType
    """.split()  # noqa: SIM905
)
"""Keywords of text attributes (LO, LT, SH, ST, UC, UR, UT, AE) that stay, if no name is found in them."""

STANDARD_SCHEMES = frozenset(
    {"SCT", "SRT", "SNM3", "99SDM", "DCM", "LN", "UCUM", "RADLEX", "FMA", "NCIt", "IBSI", "99RENALAI"}
)
"""Coding schemes whose codes and meanings stay; others are a hospital's own, and may call people by number or name."""

SAFE_BULK = frozenset(
    """
    PixelData FloatPixelData DoubleFloatPixelData LUTData ExtendedOffsetTable ExtendedOffsetTableLengths
    RedPaletteColorLookupTableData GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
    SegmentedBluePaletteColorLookupTableData
    """.split()  # noqa: SIM905
)
"""Keywords of binary attributes that stay."""

DESCRIPTIONS = frozenset(
    "SeriesDescription StudyDescription ProtocolName ContrastBolusAgent SegmentLabel SegmentDescription".split()  # noqa: SIM905
)

_WORDS = frozenset(
    """
    abdomen abdominal pelvis pelvic chest thorax body trunk kidney kidneys renal liver cyst mass tumor tumour lesion
    ct axial ax coronal cor sagittal sag oblique thin thick slice slices recon reconstruction mpr mip
    arterial portal venous vein nephrographic nephro nephrogram corticomedullary cortico excretory urographic delayed
    delay late early plain native nativ noncontrast unenhanced enhanced contrast non without with pre post phase phases
    iv km ce cm standard std soft tissue lung bone sharp smooth scout topogram localizer surview mm sec
    right left aml cystic solid unknown class by the radiologist algorithm not diagnosis probability outline and
    """.split()  # noqa: SIM905
)
_NUMBER = re.compile(r"\d{1,2}(\.\d{1,2})?|[bh][fr]?\d{2}[fs]?")  # thicknesses, delays, Siemens' kernels
_TOKEN = re.compile(r"[^\W_]+(?:\.\d+)?")
_OWN = re.compile(r"(kidney|mass)_(right|left)(_\d{1,3})?|RenalAI|\d+\.\d+\.\d+")


def known_words(text: str) -> str:
    """What of a description is in the list of words, or a number of at most two digits.

    Example:
        >>> known_words("Abdomen portal venous 2.0 Br40 Dr. Miller, Doe 1957")
        'Abdomen portal venous 2.0 Br40'
    """
    kept = [word for word in _TOKEN.findall(text) if word.lower() in _WORDS or _NUMBER.fullmatch(word.lower())]
    return " ".join(kept)


def is_own_text(text: str) -> bool:
    """Whether a text of a structured report is one that RenalAI writes itself: a segment's ID, its name, a version."""
    return _OWN.fullmatch(text) is not None
