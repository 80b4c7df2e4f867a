"""Figures: which pictures of a CT show what was found, each in layers (CT, outlines, Grad-CAM)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..boxes import Box, Triple
from ..detections import Detection
from ..findings import Mass, Outcome, Saliency
from ..labels import Side
from ..orientation import Orientation, canonical
from ..terminology import segment_color, segment_name
from .layers import box_layer, heat_layer, outline_layer
from .sections import Place, Plane, Section

WINDOW_WIDTH_HU, WINDOW_LEVEL_HU = 400.0, 40.0  # soft tissue
_PIXELS = 480  # longer edge of a picture: twice what a screen shows, for print
_HEAT_STEP = 4  # Grad-CAM is smooth: a quarter of the pixels loses nothing
_CONTEXT_MM = 60.0  # shown around a mass, beyond its longest extent
_MASS_FIELD_MM = (90.0, 200.0)  # a picture of a mass is never narrower or wider
_MAP_FIELD_MM = (180.0, 420.0)  # width of an overview


@dataclass(frozen=True)
class Mark:
    """Where the middle of a mass lies in a picture, in pixels from its upper left corner."""

    segment_id: str
    x: float
    y: float


@dataclass(frozen=True, eq=False)
class Picture:
    """One section, in layers of one extent.

    Attributes:
        section: plane, place and scale.
        place_ras: RAS mm of the middle.
        grey: uint8 (rows, columns), the CT in a soft-tissue window; black outside the scan.
        outlines: uint8 RGBA (rows, columns, 4), thin lines around the segments, transparent elsewhere.
        heat: uint8 RGBA on a coarser grid of the same extent, Grad-CAM; None without one.
        subject: what it is cut through, in words, where its place alone does not tell.
        marks: middles of the masses, in the coronal overview.
    """

    section: Section
    place_ras: Place
    grey: npt.NDArray[np.uint8]
    outlines: npt.NDArray[np.uint8]
    heat: npt.NDArray[np.uint8] | None = None
    subject: str = ""
    marks: tuple[Mark, ...] = ()


class Figures:
    """Cuts pictures from an outcome; nothing is computed before a picture is asked for.

    Args:
        outcome: on any grid; pictures are cut along its axes nearest to the body's.
    """

    def __init__(self, outcome: Outcome) -> None:
        self._findings = outcome.findings
        self._saliency = outcome.saliency
        self._segments = outcome.segments
        self._stored_shape = outcome.volume.shape
        self._ct = canonical(outcome.volume)
        self._orientation = Orientation.of(outcome.volume)
        self._instances = self._orientation.apply(outcome.instances)
        self._colors = [segment_color(segment) for segment in outcome.segments]

    def of_mass(self, mass: Mass) -> tuple[Picture, Picture, Picture]:
        """Axial, coronal and sagittal through the middle of ``mass``, all of one scale, with Grad-CAM if there is one.

        Raises:
            ValueError: no voxel belongs to the mass.
        """
        if mass.segment_id not in self._boxes:
            raise ValueError(f"{mass.segment_id} has no voxels")
        box = self._boxes[mass.segment_id]
        longest = float((np.array(box.shape) * self._ct.spacing_mm).max())
        edge = float(np.clip(longest + _CONTEXT_MM, *_MASS_FIELD_MM))
        middle = self._middles[mass.segment_id]
        saliency = self._saliency.get(mass.segment_id)
        axial, coronal, sagittal = (self._cut(self._section(plane, middle, (edge, edge)), saliency) for plane in Plane)
        return axial, coronal, sagittal

    def of_detection(self, detection: Detection) -> tuple[Picture, Picture, Picture]:
        """Axial, coronal and sagittal through the middle of a candidate, with the frames of all boxes they cut."""
        start, stop = self._frame(detection)
        k, j, i = ((low + high - 1) / 2 for low, high in zip(start, stop, strict=True))
        edge = float(np.clip(max(detection.size_mm) + _CONTEXT_MM, *_MASS_FIELD_MM))
        axial, coronal, sagittal = (
            self._framed(self._section(plane, (k, j, i), (edge, edge)), detection) for plane in Plane
        )
        return axial, coronal, sagittal

    def overview(self) -> tuple[Picture, ...]:
        """A coronal section through the kidneys with every mass marked, and an axial section through each kidney.

        In the coronal one masses are silhouettes, so that none is missing that lies in front of it or behind it.
        Without any segment: the middle coronal and axial section of the scan.
        """
        if self._union is None and self._findings.detections:
            return self._box_overview(self._findings.detections)
        if self._union is None:
            middle = _middle(Box.whole(self._ct.shape))
            height, depth, width = (float(n * mm) for n, mm in zip(self._ct.shape, self._ct.spacing_mm, strict=True))
            coronal = self._section(Plane.CORONAL, middle, (height, width))
            return self._cut(coronal), self._cut(self._section(Plane.AXIAL, middle, (depth, width)))
        height, depth, wide = (float(n * mm) for n, mm in zip(self._union.shape, self._ct.spacing_mm, strict=True))
        width = float(np.clip(wide + 90.0, *_MAP_FIELD_MM))
        field = (float(np.clip(max(height + 40.0, depth + 40.0), 0.75 * width, 1.5 * width)), width)
        center = _middle(self._union)
        pictures = [self._map(field)]
        for kidney in self._findings.kidneys:
            if kidney.segment_id in self._boxes:
                k = _middle(self._boxes[kidney.segment_id])[0]
                section = self._section(Plane.AXIAL, (k, center[1], center[2]), field)
                pictures.append(replace(self._cut(section), subject=segment_name(kidney).lower()))
        return tuple(pictures)

    def _box_overview(self, detections: Sequence[Detection]) -> tuple[Picture, Picture]:
        """Coronal and axial through the best candidate; the coronal one has the frames of all, and their numbers."""
        start, stop = self._frame(detections[0])
        k, j, _ = ((low + high - 1) / 2 for low, high in zip(start, stop, strict=True))
        whole = _middle(Box.whole(self._ct.shape))
        height, depth, width = (float(n * mm) for n, mm in zip(self._ct.shape, self._ct.spacing_mm, strict=True))
        coronal = self._section(Plane.CORONAL, (whole[0], j, whole[2]), (height, width))
        layer = box_layer(coronal, [self._frame(one) for one in detections], through=True)
        marks = []
        for one in detections:
            low, high = self._frame(one)
            middle = [(a + b - 1) / 2 for a, b in zip(low, high, strict=True)]
            marks.append(Mark(one.detection_id, *coronal.pixel((middle[0], middle[1], middle[2]))))
        axial = self._framed(self._section(Plane.AXIAL, (k, whole[1], whole[2]), (depth, width)), detections[0])
        return (
            replace(self._cut(coronal), outlines=layer, marks=tuple(marks)),
            replace(axial, subject=detections[0].detection_id.replace("_", " ")),
        )

    def _framed(self, section: Section, first: Detection) -> Picture:
        others = [one for one in self._findings.detections or () if one is not first]
        return replace(self._cut(section), outlines=box_layer(section, [self._frame(one) for one in (first, *others)]))

    def _frame(self, detection: Detection) -> tuple[Place, Place]:
        """Canonical edges of a box: it lies along the CT's own axes."""
        corners = self._ct.kji(detection.corners_ras) + 0.5
        (k, j, i), (k_stop, j_stop, i_stop) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return (k, j, i), (k_stop, j_stop, i_stop)

    @cached_property
    def _union(self) -> Box | None:
        """The canonical box of all segments; maxima of whole planes are the fastest way through a large array."""
        along_k = np.flatnonzero(self._instances.max(axis=(1, 2)))
        if along_k.size == 0:
            return None
        low, high = int(along_k[0]), int(along_k[-1]) + 1
        box = Box.around(self._instances[low:high].max(axis=0, keepdims=True))
        assert box is not None
        return Box((low, box.start[1], box.start[2]), (high, box.stop[1], box.stop[2]))

    @cached_property
    def _boxes(self) -> dict[str, Box]:
        """The canonical box of each segment that has voxels."""
        boxes: dict[str, Box] = {}
        if self._union is None:
            return boxes
        crop = self._instances[self._union.slices]
        for value, segment in enumerate(self._segments, 1):
            box = Box.around(crop == value)
            if box is not None:
                boxes[segment.segment_id] = _shifted(box, self._union.start)
        return boxes

    @cached_property
    def _middles(self) -> dict[str, Place]:
        """A voxel of each mass nearest to its middle: a section through it cuts the mass, also a crescent."""
        middles: dict[str, Place] = {}
        for value, segment in enumerate(self._segments, 1):
            if isinstance(segment, Mass) and segment.segment_id in self._boxes:
                box = self._boxes[segment.segment_id]
                where = np.argwhere(self._instances[box.slices] == value)
                distance = (((where - where.mean(axis=0)) * self._ct.spacing_mm) ** 2).sum(axis=1)
                k, j, i = (float(a + b) for a, b in zip(box.start, where[distance.argmin()], strict=True))
                middles[segment.segment_id] = (k, j, i)
        return middles

    def _section(self, plane: Plane, middle: Place, field_mm: tuple[float, float]) -> Section:
        scale = max(field_mm) / _PIXELS
        k, j, i = (float(mm) for mm in self._ct.spacing_mm)
        pixels = max(2, round(field_mm[0] / scale)), max(2, round(field_mm[1] / scale))
        return Section(plane, middle, (k, j, i), pixels, scale)

    def _cut(self, section: Section, saliency: Saliency | None = None) -> Picture:
        outlines = outline_layer(section, self._instances, self._colors, len(self._findings.kidneys))
        heat = None
        if saliency is not None:
            corner = _canonical_corner(self._orientation, saliency.box, self._stored_shape)
            heat = heat_layer(section.coarser(_HEAT_STEP), self._orientation.apply(saliency.values), corner)
        grey = _grey(section.sample(self._ct.voxels, outside=-1e4))
        return Picture(section, self._ras(section), grey, outlines, heat)

    def _map(self, field_mm: tuple[float, float]) -> Picture:
        """The coronal slice that shows both kidneys best, with the masses' silhouettes through the whole depth."""
        assert self._union is not None
        middle = _middle(self._union)
        crop = self._instances[self._union.slices]
        j = self._union.start[1] + self._most_of_both(crop)
        section = self._section(Plane.CORONAL, (middle[0], float(j), middle[2]), field_mm)
        kidneys = len(self._findings.kidneys)
        silhouettes = crop.max(axis=1, keepdims=True)
        cut = crop[:, j - self._union.start[1], :][:, None, :]
        drawn = np.where(silhouettes > kidneys, silhouettes, np.where(cut > kidneys, 0, cut))
        corner = (self._union.start[0], j, self._union.start[2])
        outlines = outline_layer(section, drawn, self._colors, kidneys, corner)
        grey = _grey(section.sample(self._ct.voxels, outside=-1e4))
        marks = tuple(Mark(name, *section.pixel(at)) for name, at in self._middles.items())
        return Picture(section, self._ras(section), grey, outlines, marks=marks)

    def _most_of_both(self, crop: np.ndarray) -> int:
        """The coronal slice of ``crop`` in which the less visible side shows most."""
        areas = []
        for side in Side:
            chosen = np.zeros(256, dtype=bool)
            chosen[[n for n, segment in enumerate(self._segments, 1) if segment.side is side]] = True
            areas.append(chosen[crop].sum(axis=(0, 2)))
        there = [area for area in areas if area.any()]
        return int(np.min(there, axis=0).argmax())

    def _ras(self, section: Section) -> Place:
        r, a, s = (float(value) for value in self._ct.ras(section.middle))
        return r, a, s


def _grey(hu: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    darkest = WINDOW_LEVEL_HU - WINDOW_WIDTH_HU / 2
    return np.asarray(np.clip((hu - darkest) * (255.0 / WINDOW_WIDTH_HU), 0, 255), dtype=np.uint8)


def _middle(box: Box) -> Place:
    k, j, i = ((start + stop - 1) / 2 for start, stop in zip(box.start, box.stop, strict=True))
    return k, j, i


def _shifted(box: Box, by: Triple) -> Box:
    start, stop = np.add(box.start, by), np.add(box.stop, by)
    return Box((int(start[0]), int(start[1]), int(start[2])), (int(stop[0]), int(stop[1]), int(stop[2])))


def _canonical_corner(orientation: Orientation, box: Box, stored_shape: Triple) -> Triple:
    """The canonical index of the first canonical voxel of a stored box."""
    k, j, i = (
        stored_shape[axis] - box.stop[axis] if flip else box.start[axis]
        for axis, flip in zip(orientation.axes, orientation.flipped, strict=True)
    )
    return k, j, i
