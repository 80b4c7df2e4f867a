"""Concepts of a measurement report: standard codes where there are any, our own (scheme 99RENALAI) where not."""

from __future__ import annotations

from ..labels import MassClass
from ..terminology import Code

# Of CID 7470 (lengths), CID 7464 (derivations), CID 218 (image features) and CID 7181 (units) of PS3.16.
VOLUME = Code("SCT", "118565006", "Volume")
LONG_AXIS = Code("SCT", "103339001", "Long axis")
DIAMETER = Code("SCT", "81827009", "Diameter")
ATTENUATION = Code("DCM", "112031", "Attenuation Coefficient")
MEAN = Code("SCT", "373098007", "Mean")
STANDARD_DEVIATION = Code("SCT", "386136009", "Standard Deviation")
CLASS_ACTIVATION = Code("DCM", "130402", "Class activation")

CUBIC_CENTIMETER = Code("UCUM", "cm3", "cubic centimeter")
MILLIMETER = Code("UCUM", "mm", "mm")
HOUNSFIELD = Code("UCUM", "[hnsf'U]", "Hounsfield unit")
NO_UNITS = Code("UCUM", "1", "no units")
PERCENT = Code("UCUM", "%", "Percent")

REPORT_TITLE = Code("DCM", "126000", "Imaging Measurement Report")
PROCEDURE = Code("LN", "25045-6", "CT unspecified body region")
DEVICE = Code("DCM", "121007", "Device")
COMMENT = Code("DCM", "121106", "Comment")
ARTIFICIAL_INTELLIGENCE = Code("DCM", "123109", "Artificial Intelligence")  # CID 7162

OWN_SCHEME = "99RENALAI"  # PS3.16 section 8: private schemes begin with 99
OWN_SCHEME_NAME = "RenalAI measurements and classes of renal masses"


def _own(value: str, meaning: str) -> Code:
    return Code(OWN_SCHEME, value, meaning)


FAT_FRACTION = _own("fat_fraction", "Share of voxels with macroscopic fat")
FLUID_FRACTION = _own("fluid_fraction", "Share of fluid-like voxels")
ENHANCEMENT = _own("enhancement", "Attenuation less that of the second phase")

CLASS_BY_ALGORITHM = _own("class_by_algorithm", "Class by algorithm, not a diagnosis")
CLASS_BY_MEASUREMENT = _own("class_by_measurement", "Class that the measurements speak for")
CLASS_BY_RADIOLOGIST = _own("class_by_radiologist", "Class by the radiologist")
OUTLINE = _own("outline", "Outline, last changed by")
BY_RADIOLOGIST = _own("radiologist", "Radiologist")
REMOVED = _own("removed", "Removed")
VERDICT_BY_RADIOLOGIST = _own("verdict_by_radiologist", "Answer of the radiologist to the algorithm")

PROBABILITIES = {
    MassClass.AML: _own("probability_aml", "Probability of angiomyolipoma by algorithm"),
    MassClass.CYSTIC: _own("probability_cystic", "Probability of a cystic mass by algorithm"),
    MassClass.SOLID: _own("probability_solid", "Probability of a solid mass by algorithm"),
}
# A cystic mass is more than a cyst, and a solid one no histology: the reference standard of the classes is our own.
CLASSES = {
    MassClass.AML: _own("aml", "Angiomyolipoma"),
    MassClass.CYSTIC: _own("cystic", "Cystic renal mass"),
    MassClass.SOLID: _own("solid", "Solid renal mass"),
    MassClass.UNKNOWN: _own("unknown", "Renal mass of unknown class"),
}
