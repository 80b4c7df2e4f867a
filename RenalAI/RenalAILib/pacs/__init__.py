"""The PACS: studies found, fetched, segmented and their results sent back, over DICOMweb or DIMSE."""
