"""RenalAI's engine: CT in, findings out. No Slicer, no Qt, no torch."""

__version__ = "0.1.0"
