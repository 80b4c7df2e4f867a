"""Agreement of two label maps: overlap, surfaces, masses found and missed, and the KiTS challenge's own scores."""

from .agreement import Agreement, StructureAgreement, compare_labels, write_agreement
from .detection import Detection, DetectionCounts, Domain, DomainOutcome
from .kits import KitsScore
from .show import show_agreement

__all__ = [
    "Agreement",
    "Detection",
    "DetectionCounts",
    "Domain",
    "DomainOutcome",
    "KitsScore",
    "StructureAgreement",
    "compare_labels",
    "show_agreement",
    "write_agreement",
]
