"""Lung nodules for detectors: LUNA16 and LIDC-IDRI, for the experiment of Abdullah et al."""
