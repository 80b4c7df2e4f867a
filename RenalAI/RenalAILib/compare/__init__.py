"""Agreement of two label maps: overlap, surfaces, masses found and missed, and the KiTS challenge's own scores."""

from .agreement import Agreement, StructureAgreement, compare_labels, write_agreement
from .detection import Detection, DetectionCounts, Domain, DomainOutcome
from .files import compare_files
from .kits import KitsScore
from .schemes import Scheme, in_our_labels
from .show import show_agreement

__all__ = [
    "Agreement",
    "Detection",
    "DetectionCounts",
    "Domain",
    "DomainOutcome",
    "KitsScore",
    "Scheme",
    "StructureAgreement",
    "compare_files",
    "compare_labels",
    "in_our_labels",
    "show_agreement",
    "write_agreement",
]
