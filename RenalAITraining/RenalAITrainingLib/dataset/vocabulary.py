"""The closed sets of words that a case's facts are told in: nothing typed freely reaches a dataset."""

from __future__ import annotations

from enum import Enum


class ScanPhase(Enum):
    """When after the injection of contrast agent a scan was taken; portal venous scans count as nephrographic."""

    UNENHANCED = "unenhanced"
    CORTICOMEDULLARY = "corticomedullary"
    NEPHROGRAPHIC = "nephrographic"
    EXCRETORY = "excretory"
    UNKNOWN = "unknown"


class Histology(Enum):
    """What the pathologist found: the words of KiTS19, 21 and 23, and three that they have no case of."""

    ANGIOMYOLIPOMA = "angiomyolipoma"
    CHROMOPHOBE_RCC = "chromophobe_rcc"
    CLEAR_CELL_PAPILLARY = "clear_cell_papillary"
    CLEAR_CELL_RCC = "clear_cell_rcc"
    COLLECTING_DUCT = "collecting_duct"
    CYST = "cyst"
    LYMPHOMA = "lymphoma"
    MEST = "mest"
    METASTASIS = "metastasis"
    MULTILOCULAR_CYSTIC_RCC = "multilocular_cystic_rcc"
    ONCOCYTOMA = "oncocytoma"
    PAPILLARY_RCC = "papillary_rcc"
    RCC_UNCLASSIFIED = "rcc_unclassified"
    SPINDLE_CELL_NEOPLASM = "spindle_cell_neoplasm"
    TRANSITIONAL_CELL_CARCINOMA = "transitional_cell_carcinoma"
    WILMS_TUMOR = "wilms_tumor"
    OTHER = "other"
    UNKNOWN = "unknown"

    @classmethod
    def told(cls, word: object) -> Histology:
        """By the spelling of any KiTS table; OTHER for a word that is not in the set, UNKNOWN for none.

        Example:
            >>> Histology.told("Urothelial").value, Histology.told(None).value
            ('transitional_cell_carcinoma', 'unknown')
        """
        if word is None or word == "":
            return cls.UNKNOWN
        spelled = str(word).strip().lower().replace(" ", "_").replace("-", "_")
        spelled = _SPELLINGS.get(spelled, spelled)
        return cls(spelled) if spelled in {member.value for member in cls} else cls.OTHER


_SPELLINGS = {
    "urothelial": "transitional_cell_carcinoma",
    "clear_cell_papillary_rcc": "clear_cell_papillary",
    "collecting_duct_undefined": "collecting_duct",
    "wilms": "wilms_tumor",
    "aml": "angiomyolipoma",
    "benign_cyst": "cyst",
}
