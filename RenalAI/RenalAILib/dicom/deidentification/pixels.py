"""Pixels: text that may be burned in, unused bits that may hold an overlay, and bytes behind the last pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

# Photographs, documents and ultrasound, in which names are usual, and screen captures.
_PICTURED = frozenset({"US", "IVUS", "XC", "ES", "GM", "DOC", "OT", "SC", "PX", "OP", "ECG"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_REPORTS = "1.2.840.10008.5.1.4.1.1.88."
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def why_left_out(dataset: Any) -> str | None:
    """Why a file may not go out, in words that name nobody; None where it may."""
    sop_class = str(dataset.get("SOPClassUID", ""))
    if not sop_class:
        return "no SOP class"
    if sop_class.startswith(_REPORTS) or "ContentSequence" in dataset:
        return None
    if not any(keyword in dataset for keyword in _PIXELS):
        return "neither an image nor a structured report"
    if dataset.get("RecognizableVisualFeatures") == "YES":
        return "a face can be recognised, as the file says"
    burned_in = dataset.get("BurnedInAnnotation")
    if burned_in == "YES":
        return "text is burned into the pixels, as the file says"
    if burned_in == "NO":
        return None
    if dataset.get("Modality") in _PICTURED or sop_class.startswith(_SECONDARY_CAPTURE):
        return "a picture or screen capture that does not say whether text is burned in"
    if int(dataset.get("SamplesPerPixel") or 1) > 1:
        return "a colour image (screen capture) that does not say whether text is burned in"
    return None


def warnings_about(dataset: Any) -> list[str]:
    """What a person should look at, in words that name nobody."""
    found = []
    kinds = {str(value).upper() for value in dataset.get("ImageType") or ()}
    if "SECONDARY" in kinds and dataset.get("BurnedInAnnotation") != "NO":
        found.append("a secondary image that does not say whether text is burned in")
    if str(dataset.get("BodyPartExamined") or "").upper() in {"HEAD", "BRAIN", "FACE", "SKULL", "NECK"}:
        found.append("an image of the head: the face can be rebuilt from thin slices")
    return found


def clear_unused(dataset: Any) -> bool:
    """Clears bits above those of the pixels, where old overlays lie, and bytes behind the last pixel.

    Of uncompressed integer pixels only.

    Returns:
        whether anything was there.
    """
    if "PixelData" not in dataset or dataset.file_meta.TransferSyntaxUID.is_compressed:
        return False
    allocated, stored = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    count = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)
    count *= int(dataset.get("NumberOfFrames") or 1)
    promised = (count * allocated + 7) // 8
    data = dataset.PixelData
    kept = data[:promised]
    if allocated in (8, 16, 32) and stored < allocated and int(dataset.get("HighBit", stored - 1)) == stored - 1:
        little = dataset.file_meta.TransferSyntaxUID.is_little_endian
        pixels = np.frombuffer(kept, f"{'<' if little else '>'}u{allocated // 8}")
        clean = pixels & pixels.dtype.type((1 << stored) - 1)
        if int(dataset.get("PixelRepresentation") or 0):
            sign = pixels.dtype.type(1 << (stored - 1))
            clean = np.where(clean & sign, clean | pixels.dtype.type((1 << allocated) - (1 << stored)), clean)
        if isinstance(dataset.get("PixelPaddingValue"), int):  # scanners pad with values beyond the stored bits
            padding = pixels.dtype.type(dataset.PixelPaddingValue % (1 << allocated))
            clean = np.where(pixels == padding, pixels, clean)
        kept = clean.astype(pixels.dtype).tobytes()
    changed = bool(kept != data[:promised] or data[promised:].strip(b"\0"))
    if changed:
        dataset.PixelData = kept + b"\0" * (len(kept) % 2)
    return changed
