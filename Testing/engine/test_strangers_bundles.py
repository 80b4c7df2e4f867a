"""Bundles and scans from strangers are data: none runs code, reaches another file, or takes all memory or disk.

Zip slip, links and archives that lie are in test_bundles.py and test_dicom_archives.py, the report's markup in
test_report_page.py, random damage in test_damaged_files.py.
"""

from __future__ import annotations

import ast
import csv
import gzip
import io
import json
import shutil
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scanfiles import small_ct, write_metaimage, write_nifti, write_nrrd
from toybundle import toy_bundle

from RenalAILib.batch.cohort import csv_text, rows
from RenalAILib.batch.cohort_page import _page
from RenalAILib.bundles.bundle import METADATA, read_bundle, write_checksums
from RenalAILib.engines.selection import create_engine
from RenalAILib.errors import InputError
from RenalAILib.reading import read_ct, read_labels
from RenalAILib.saliency import Head
from RenalAILib.study.task import StudyRecord
from RenalAILib.writing.spreadsheet import cell_text

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for module in ("RenalAI", "RenalAITraining") for path in (ROOT / module).rglob("*.py")]


class Bomb:
    """Pickled, this would run code when it is loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("it-ran"),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the toy bundle, in a place of its own to look for what code left."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(toy_bundle().folder, tmp_path / "toy"))


# What runs code in data when it is called, and how it must be called where it may be at all.
RUNS_CODE = {"eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
MUST_SAY = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def dangerous(tree: ast.AST) -> Iterator[str]:
    """What a source file does that runs code in data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (name for name in names if name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            said = {word.arg: ast.literal_eval(word.value) for word in node.keywords if _plain(word.value)}
            if name in RUNS_CODE or said.get("shell"):
                yield name
            if name in MUST_SAY and said.get(MUST_SAY[name][0]) is not MUST_SAY[name][1]:
                yield name


def test_all_markup_is_made_where_it_is_escaped() -> None:
    """Pages are built by `element`, which escapes; nothing but style sheets, constants of ours, is markup elsewhere."""
    called = [
        (ast.unparse(node.func), node)
        for path in SOURCES
        if path.name != "markup.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    assert {ast.unparse(node) for name, node in called if name == "Markup"} == {"Markup(STYLESHEET + style)"}
    heads = [node for name, node in called if name == "page_head"]
    assert len(heads) >= 4
    assert {ast.unparse(style) for node in heads for style in (*node.args[1:], *node.keywords)} == {"_STYLE"}


def _plain(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant)


def test_no_source_file_runs_code_from_data() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {what}"
        for path in SOURCES
        for what in dangerous(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set()


@pytest.mark.parametrize(
    "line", ["import pickle", "torch.load(p)", "np.load(p)", "yaml.load(t)", "run(w, shell=True)", "eval(t)"]
)
def test_the_search_for_such_finds_it(line: str) -> None:
    assert list(dangerous(ast.parse(line)))


def test_a_pickled_head_is_refused(folder: Path) -> None:
    head = folder / "models" / "head.npz"
    np.savez(head, hidden_weight=np.array([Bomb()], dtype=object))
    with pytest.raises(InputError, match="not the head of a classifier"):
        Head.load(head)
    assert not Path("it-ran").exists()


def test_a_head_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "head.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hidden_weight.npy", bytes(65 << 20))
    with pytest.raises(InputError, match="too large for the head"):
        Head.load(tmp_path / "head.npz")


def test_a_head_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**7)})
    with zipfile.ZipFile(tmp_path / "head.npz", "w") as archive:
        archive.writestr("hidden_weight.npy", header.getvalue() + bytes(100))
    with pytest.raises(InputError, match="not the head of a classifier"):
        Head.load(tmp_path / "head.npz")


@pytest.mark.parametrize("depth", [10**5], ids=["100,000 brackets"])
def test_deeply_nested_metadata_are_refused(folder: Path, depth: int) -> None:
    (folder / METADATA).write_text("[" * depth, encoding="utf-8")
    write_checksums(folder)
    with pytest.raises(InputError, match="not JSON"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("stage", "key", "value"), [("delineate", "shape", [1024, 1024, 1024]), ("locate", "spacing_mm", 1e-6)]
)
def test_metadata_that_would_take_all_memory_are_refused(folder: Path, stage: str, key: str, value: object) -> None:
    data = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    data["stages"][stage][key] = value
    (folder / METADATA).write_text(json.dumps(data), encoding="utf-8")
    write_checksums(folder)
    with pytest.raises(InputError, match=f"{key} must be"):
        read_bundle(folder)


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "torch"])
def test_weights_in_a_file_outside_the_bundle_are_not_read(tmp_path: Path, engine: str) -> None:
    """ONNX may keep weights in files that it names; one that leads out could read anything."""
    onnx = pytest.importorskip("onnx")
    if engine != "onnxruntime":
        pytest.importorskip(engine)
    (tmp_path / "secret").write_bytes(np.arange(4, dtype=np.float32).tobytes())
    (tmp_path / "models").mkdir()
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[4], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in (("location", "../secret"), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    ends = [onnx.helper.make_tensor_value_info(name, 1, [4]) for name in ("image", "logits")]
    add = onnx.helper.make_node("Add", ["image", "w"], ["logits"])
    graph = onnx.helper.make_graph([add], "g", ends[:1], ends[1:], [tensor])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "models" / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(Exception, match=r"(?i)external|outside|valid"):
        create_engine(tmp_path / "models" / "m.onnx", "cpu", engine).run({"image": np.zeros(4, np.float32)})


def claiming(path: Path, voxels: tuple[int, int, int], dtype: int, bits: int) -> bytes:
    """The header of a small NIfTI file that says it has other voxels."""
    head = bytearray(write_nifti(path, small_ct()).read_bytes()[:352])
    struct.pack_into("<8h", head, 40, 3, *voxels, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, dtype, bits)
    return bytes(head)


def test_a_tiny_gzip_that_claims_a_hundred_gigabytes(tmp_path: Path) -> None:
    head = claiming(tmp_path / "small.nii", (2300, 2300, 2400), 64, 64)
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(head + bytes(1000)))
    with pytest.raises(InputError, match="more than any CT has"):
        read_ct(tmp_path / "scan.nii.gz")


def test_a_gzip_that_is_true_to_its_gigabytes_is_a_bomb_all_the_same(tmp_path: Path) -> None:
    """16 MB that hold 16 GB of zeros, as deflate packs them; here only its size on disk is so."""
    path = tmp_path / "scan.nii.gz"
    path.write_bytes(gzip.compress(claiming(tmp_path / "small.nii", (1024, 1024, 2040), 64, 64)))
    with path.open("r+b") as file:
        file.truncate(20 << 20)
    with pytest.raises(InputError, match=r"would unpack to 15\.9 GB; this looks like a decompression bomb"):
        read_ct(path)


@pytest.mark.parametrize("ending", ["mha", "nrrd"])
def test_a_tiny_file_of_itk_that_claims_gigabytes(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"scan.{ending}"
    (write_nrrd if ending == "nrrd" else write_metaimage)(path, small_ct())
    raw = path.read_bytes()
    for had in (b"sizes: 16 14 8", b"DimSize = 16 14 8"):
        raw = raw.replace(had, had.partition(b"16")[0] + b"1290 1290 1290")
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"truncated|damaged"):
        read_ct(path)


@pytest.mark.parametrize("there", ["elsewhere/voxels.raw", "absolute"])
@pytest.mark.parametrize("ending", ["mhd", "nhdr"])
def test_headers_that_name_voxels_of_another_folder_are_refused(tmp_path: Path, ending: str, there: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "voxels.raw").write_bytes(small_ct().astype("<i2").tobytes())
    named = str(tmp_path / "elsewhere" / "voxels.raw") if there == "absolute" else there
    path = tmp_path / f"scan.{ending}"
    if ending == "mhd":
        text = f"NDims = 3\nDimSize = 16 14 8\nElementType = MET_SHORT\nElementDataFile = {named}\n"
    else:
        text = (
            "NRRD0005\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 16 14 8\nendian: little\n"
            f"space directions: (5,0,0) (0,5,0) (0,0,5)\nencoding: raw\ndata file: {named}\n\n"
        )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="lies in another folder"):
        read_labels(path)


def test_voxels_beside_their_header_are_read(tmp_path: Path) -> None:
    (tmp_path / "voxels.raw").write_bytes(np.ones((8, 14, 16), "<i2").tobytes())
    (tmp_path / "scan.nhdr").write_text(
        "NRRD0005\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 16 14 8\nendian: little\n"
        "space directions: (5,0,0) (0,5,0) (0,0,5)\nencoding: raw\ndata file: voxels.raw\n\n",
        encoding="utf-8",
    )
    assert read_labels(tmp_path / "scan.nhdr").voxels.all()


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_a_table_is_a_formula(sign: str) -> None:
    evil = f"{sign}HYPERLINK(A1)"
    assert cell_text(evil) == f"'{evil}"
    record = StudyRecord(evil, wish="", folder=evil, reason=f"{evil} cannot be read")
    (row,) = csv.DictReader(io.StringIO(csv_text(rows([record])), newline=""))
    assert not [cell for cell in row.values() if cell.startswith(sign)]


def test_names_of_folders_are_no_markup_on_the_cohorts_page() -> None:
    evil = "<img src=x onerror=alert(1)>"
    records = [
        StudyRecord(evil, "", folder=evil, key="k", seconds=1.0),
        StudyRecord(evil + "2", "", reason=f"{evil}: {evil}"),
    ]
    page = _page(evil, records, rows(records))
    assert "<img" not in page and "&lt;img" in page


def test_numbers_below_zero_stay_numbers() -> None:
    assert cell_text("a-b") == "a-b" and cell_text("") == ""
