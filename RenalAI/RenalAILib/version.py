"""The version: in every result, report and key."""

__version__ = "0.1.0"
