"""Everything that is not kidney: outline, muscle, bones, organs, bowel, vessels, lungs, table, arms."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Field, Point, wave, wobble
from .plans import Patient

_DISC_MM = 33.0  # one vertebra with its disc
_SKIN_MM = 1.8
_CONTENTS_HU = (12.0, 25.0, 40.0, 190.0)  # of bowel; the last one is oral contrast
_CONTENT_SHARES = (0.4, 0.3, 0.15, 0.15)


def paint_body(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    """Paint the trunk without kidneys."""
    _wall(canvas, patient, rng)
    _muscles(canvas, patient)
    _upper_organs(canvas, patient, rng)
    _bowel(canvas, patient, rng)
    _chest(canvas, patient, rng)
    _vessels(canvas, patient)
    _spine(canvas, patient, rng)
    _ribs(canvas, patient)
    _pelvis(canvas, patient, rng)
    _outside(canvas, patient, rng)


def _wall(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    power = rng.uniform(2.2, 2.7)
    flat = (np.abs(canvas.x / patient.half_width) ** power + np.abs(canvas.y / patient.half_depth) ** power) ** (
        1 / power
    )
    waist = (1 - 0.05 * np.exp(-(((canvas.z + 30) / 60) ** 2))).astype(np.float32)
    size = np.float32(np.sqrt(patient.half_width * patient.half_depth))
    outline = (flat.astype(np.float32) / waist - 1) * size
    whole = (slice(None), slice(None), slice(None))
    canvas.paint(whole, outline, 10.0, edge_mm=2.0)
    canvas.paint(whole, outline + np.float32(_SKIN_MM), patient.fat_hu, edge_mm=2.0)
    uneven = wave(wobble(rng, 2.0, 120.0), canvas.x, canvas.y, canvas.z[:1] * 0)
    inner = outline + patient.fat * (1 + 0.5 * np.clip(0.5 + canvas.y / 60, 0, 1)) + uneven
    canvas.paint(whole, inner, patient.muscle_hu, edge_mm=2.0)
    # Thick at the flanks; in front two straight muscles with the white line between them.
    flank = np.float32(0.75) + np.float32(0.5) * np.clip(np.abs(canvas.x) / patient.half_width, 0, 1) ** 2
    line = np.float32(0.6) * np.exp(-((canvas.x / 7.0) ** 2)) * (canvas.y < 0)
    edges = np.float32(0.35) * np.exp(-(((np.abs(canvas.x) - 0.42 * patient.half_width) / 10.0) ** 2)) * (canvas.y < 0)
    canvas.cavity = np.asarray(inner + patient.wall * (flank - line - edges), dtype=np.float32)
    canvas.paint(whole, canvas.cavity, patient.fat_hu, edge_mm=2.0)


def _muscles(canvas: Canvas, patient: Patient) -> None:
    for sign in (-1, 1):
        canvas.ellipsoid((sign * 27, patient.spine_y + 43, 0), (24, 18, 320), patient.muscle_hu)
        canvas.ellipsoid((sign * 54, patient.spine_y + 40, 0), (17, 13, 320), patient.muscle_hu - 5)
        canvas.ellipsoid((sign * 38, patient.spine_y + 4, -70), (17, 16, 120), patient.muscle_hu + 4)
        canvas.ellipsoid((sign * 72, patient.spine_y + 24, -10), (22, 9, 75), patient.muscle_hu)
        crus = (sign * 15, patient.spine_y - 22, 60)
        canvas.ellipsoid(crus, (5, 9, 45), patient.muscle_hu + 5)


def _upper_organs(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    w, d = patient.half_width / 160, patient.half_depth / 112
    tissue = patient.tissue
    low = rng.uniform(-15, 15)
    canvas.ellipsoid(
        (-78 * w, -8 * d, 62 + low),
        (72 * w, 82 * d, 82),
        tissue.liver,
        bumps=wobble(rng, 0.05, 90),
        edge_mm=1.5,
        held=True,
    )
    canvas.ellipsoid(
        (-8 * w, -48 * d, 82 + low),
        (62 * w, 34 * d, 42),
        tissue.liver,
        bumps=wobble(rng, 0.06, 70),
        edge_mm=1.5,
        held=True,
    )
    for _ in range(9):  # vessels within the liver
        start = np.array([rng.uniform(-120, -40) * w, rng.uniform(-60, 30) * d, rng.uniform(20, 110)])
        path = start + rng.normal(size=3) * np.linspace(-1, 1, 25)[:, None] * 18
        canvas.tube(path, rng.uniform(1.5, 3.5), tissue.cava + 12, held=True)
    canvas.ellipsoid((-48 * w, -52 * d, 12 + low), (16, 20, 30), rng.uniform(3, 14), bumps=wobble(rng, 0.05, 30))
    canvas.ellipsoid(
        (98 * w, 32 * d, 66 + rng.uniform(-12, 12)),
        (30 * w, 44 * d, 52),
        tissue.spleen,
        bumps=wobble(rng, 0.05, 60),
        held=True,
    )
    stomach = (56 * w, -42 * d, 72 + rng.uniform(-15, 15))
    canvas.ellipsoid(stomach, (46 * w, 36 * d, 40), 65.0, bumps=wobble(rng, 0.07, 60), held=True)
    filling = rng.choice([15.0, 35.0, 160.0])
    canvas.ellipsoid(stomach, (42 * w, 32 * d, 36), float(filling), bumps=wobble(rng, 0.07, 60), held=True)
    canvas.ellipsoid((stomach[0], stomach[1] - 16 * d, stomach[2]), (28 * w, 12 * d, 24), -900.0)
    path = np.linspace(0, 1, 26)[:, None] * np.array([88.0 * w, 34 * d, 26]) + np.array([-32 * w, -30 * d, 14])
    canvas.tube(path, np.linspace(15, 9, 26), tissue.pancreas)
    for sign in (-1, 1):  # adrenals
        canvas.ellipsoid((sign * 38, patient.spine_y - 18, 66), (4, 11, 14), tissue.pancreas)


def _bowel(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    w, d = patient.half_width / 160, patient.half_depth / 112
    front = -patient.half_depth + patient.fat + patient.wall
    for _ in range(24):  # small bowel: bent tubes, each filled alike
        at = np.array([rng.uniform(-72, 72) * w, rng.uniform(front + 24, 8 * d), rng.uniform(-150, 14)])
        heading, width = rng.normal(size=3) * (1.0, 0.5, 0.7), rng.uniform(9, 14)
        content = float(rng.choice(_CONTENTS_HU, p=_CONTENT_SHARES))
        for _ in range(int(rng.integers(3, 8))):
            heading = heading / np.linalg.norm(heading) + rng.normal(0, 0.45, 3) * (1.0, 0.5, 0.7)
            at = np.clip(
                at + heading / np.linalg.norm(heading) * width,
                (-82 * w, front + 20, -250.0),
                (82 * w, 10 * d, 16.0),
            )
            _loop(canvas, rng, (float(at[0]), float(at[1]), float(at[2])), (width, width, width), 0.12, content)
    for _ in range(30):  # vessels of the mesentery
        start = np.array([rng.uniform(-55, 55) * w, rng.uniform(front + 30, 0), rng.uniform(-140, 30)])
        steps = np.linspace(0, 1, 14)[:, None]
        path = start + rng.normal(size=3) * (28, 12, 20) * steps + rng.normal(size=3) * 8 * np.sin(np.pi * steps)
        canvas.tube(path, rng.uniform(1.0, 2.2), 0.6 * patient.tissue.cava)
    flank = patient.half_width - patient.fat - patient.wall - 22
    for sign in (-1, 1):  # colon at both flanks, in front of the kidneys' lower poles
        for z in np.arange(-130, 34, 24):
            beside = (sign * (flank - rng.uniform(0, 10)), rng.uniform(-22, 14) * d, float(z))
            _loop(canvas, rng, beside, (rng.uniform(15, 23), rng.uniform(14, 21), 17.0), 0.5)
    for x in np.arange(-70, 71, 28):
        _loop(canvas, rng, (x * w, front + 26, 10 + 20 * abs(x) / 70), (19.0, 14.0, 15.0), 0.6)


def _loop(
    canvas: Canvas, rng: np.random.Generator, at: Point, radii: Point, gas: float, content_hu: float | None = None
) -> None:
    """A piece of bowel with its wall; ``gas`` is the chance of a bubble, which rises to the front."""
    bumps = wobble(rng, 0.08, 25)
    canvas.ellipsoid(at, radii, rng.uniform(45, 85), bumps=bumps, held=True)
    inner = (radii[0] - 3, radii[1] - 3, radii[2] - 3)
    content = rng.choice(_CONTENTS_HU, p=_CONTENT_SHARES) if content_hu is None else content_hu
    canvas.ellipsoid(at, inner, float(content), bumps=bumps, held=True)
    if rng.random() < gas:
        canvas.ellipsoid(
            (at[0], at[1] - 0.3 * inner[1], at[2]), (inner[0] * 0.8, inner[1] * 0.6, inner[2] * 0.8), -920.0
        )


def _chest(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    w, d = patient.half_width / 160, patient.half_depth / 112
    dome = rng.uniform(118, 138)
    texture = wobble(rng, 25.0, 22.0, waves=6)

    def lung(x: Field, y: Field, z: Field) -> Field:
        return np.float32(-850.0) + wave(texture, x, y, z)

    for sign in (-1, 1):
        canvas.ellipsoid((sign * 80 * w, 4 * d, dome + 140), (58 * w, 80 * d, 152), lung, bumps=wobble(rng, 0.03, 90))
        canvas.ellipsoid((sign * 98 * w, 52 * d, dome + 10), (34 * w, 26 * d, 62), lung)  # the recess behind the liver
        for _ in range(30):
            root = np.array([sign * 38.0 * w, 0.0, dome + 150])
            path = root + (rng.normal(size=3) * (1.2, 1, 1.6) + (sign, 0, 0)) * np.linspace(0, 45, 24)[:, None]
            canvas.tube(path, np.linspace(4.0, 1.0, 24), 45.0)
    heart = (22 * w, -38 * d, dome + 50)
    canvas.ellipsoid(heart, (52 * w, 42 * d, 48), 55.0, bumps=wobble(rng, 0.04, 60))
    canvas.ellipsoid(heart, (30 * w, 24 * d, 32), patient.tissue.aorta)
    canvas.ellipsoid((-4.0, -20 * d, dome + 190), (36 * w, 34 * d, 120), patient.fat_hu + 30)
    canvas.ellipsoid((-6.0, -28 * d, dome + 140), (16, 16, 60), patient.tissue.aorta)
    canvas.ellipsoid((0.0, -6 * d, dome + 240), (8, 9, 90), -980.0)


def _vessels(canvas: Canvas, patient: Patient) -> None:
    canvas.ellipsoid((8, patient.spine_y - 32, 140), (10.5, 10.5, 250), patient.tissue.aorta)
    canvas.ellipsoid((-17, patient.spine_y - 34, 0), (12, 10, 130), patient.tissue.cava)
    for sign in (-1, 1):
        path = np.array([0, patient.spine_y - 30, -90]) + np.linspace(0, 1, 30)[:, None] * (sign * 58, -30, -120)
        canvas.tube(path, 6.5, patient.tissue.aorta)
    canvas.ellipsoid((4, patient.spine_y - 52, -20), (4, 4, 90), patient.tissue.cava)
    canvas.ellipsoid((10, patient.spine_y - 52, -20), (3, 3, 90), patient.tissue.aorta)


def _spine(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    y = patient.spine_y
    marrow = rng.uniform(130, 220)
    start = rng.uniform(0, _DISC_MM)
    for z in np.arange(-300, 460, _DISC_MM) + start:
        if not canvas.z.min() - 40 < z < canvas.z.max() + 40:
            continue
        _drum(canvas, (0, y, z + _DISC_MM / 2), (20, 15, 6.0), 85.0)
        _drum(canvas, (0, y, z), (21.5, 16.5, 13.5), 400.0)
        _drum(canvas, (0, y, z), (20, 15, 12.0), marrow)
        for sign in (-1, 1):
            canvas.ellipsoid((sign * 27, y + 20, z), (18, 4.5, 6), 330.0)
            canvas.ellipsoid((sign * 13, y + 18, z), (4.5, 12, 9), 380.0)
        canvas.ellipsoid((0, y + 47, z - 6), (3.5, 18, 10), 330.0)
        canvas.ellipsoid((0, y + 30, z), (13, 5, 12), 360.0)
    canvas.ellipsoid((0, y + 22, 80), (8.5, 7.5, 400), 25.0)


def _drum(canvas: Canvas, centre: Point, radii: Point, hu: float) -> None:
    """A vertebral body or disc: flat at its ends, somewhat narrower at mid-height."""
    where = canvas.region(centre, (radii[0] + 3, radii[1] + 3, radii[2] + 2))
    if where is None:
        return
    x, y, z = canvas.coordinates(where)
    waist = np.float32(0.92) + np.float32(0.08) * ((z - np.float32(centre[2])) / np.float32(radii[2])) ** 2
    u, v = (x - np.float32(centre[0])) / np.float32(radii[0]), (y - np.float32(centre[1])) / np.float32(radii[1])
    side = (np.sqrt(u**2 + v**2) - waist) * np.float32(np.sqrt(radii[0] * radii[1]))
    end = np.abs(z - np.float32(centre[2])) - np.float32(radii[2])
    canvas.paint(where, np.asarray(np.maximum(side, end), dtype=np.float32), hu, edge_mm=1.5)


def _ribs(canvas: Canvas, patient: Patient) -> None:
    inset = patient.fat + 5
    a, b = patient.half_width - inset, patient.half_depth - inset * 1.2
    for z in np.arange(18, 420, 27.0):
        if z > canvas.z.max() + 70:
            continue
        for sign in (-1, 1):
            angle = np.linspace(1.35, -0.5 if z > 60 else 0.4, 46)
            path = np.stack([sign * a * np.cos(angle), b * np.sin(angle), z - 55 * (1.35 - angle) / 1.85], axis=1)
            canvas.tube(path, 4.6, 420.0)
            canvas.tube(path[::2], 2.4, 170.0)


def _pelvis(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    if canvas.z.min() > -110:
        return
    w = patient.half_width / 160
    for sign in (-1, 1):
        turn = np.array([[0.75, sign * 0.65, 0.1], [-sign * 0.65, 0.75, 0.0], [-0.1, 0.0, 1.0]])
        canvas.ellipsoid((sign * 92 * w, 22, -178), (9, 52, 58), 380.0, rotation=turn)
        canvas.ellipsoid((sign * 92 * w, 22, -178), (6, 48, 54), 190.0, rotation=turn)
        canvas.ellipsoid((sign * 88 * w, 8, -262), (24, 24, 24), 330.0)
        canvas.ellipsoid((sign * 105 * w, 62, -200), (40, 26, 60), patient.muscle_hu)
    canvas.ellipsoid((0, patient.spine_y + 14, -185), (42, 20, 58), 280.0)
    canvas.ellipsoid((0, -38, -240), (38, 32, 30), min(max(patient.tissue.urine, 2.0), 300.0))
    canvas.ellipsoid((0, 22, -240), (22, 20, 42), rng.uniform(20, 45))


def _outside(canvas: Canvas, patient: Patient, rng: np.random.Generator) -> None:
    if patient.arms:
        for sign in (-1, 1):
            at = (sign * (patient.half_width + 42), rng.uniform(-20, 30), rng.uniform(-80, 60))
            canvas.ellipsoid(at, (36, 38, 240), patient.fat_hu)
            canvas.ellipsoid(at, (29, 31, 235), patient.muscle_hu)
            canvas.ellipsoid(at, (8, 8, 230), 900.0)
    top = patient.half_depth + rng.uniform(6, 14)
    bow = (canvas.x / 220.0) ** 2 * 45.0
    shell = np.abs(canvas.y + bow - top) - rng.uniform(1.5, 3.0)
    core = np.abs(canvas.y + bow - top - 14) - 13
    whole = (slice(None), slice(None), slice(None))
    canvas.paint(
        whole, np.broadcast_to(core, canvas.hu.shape).astype(np.float32), -930.0, 2.0, over=lambda hu: hu < -940
    )
    canvas.paint(
        whole, np.broadcast_to(shell, canvas.hu.shape).astype(np.float32), -250.0, 1.5, over=lambda hu: hu < -800
    )
