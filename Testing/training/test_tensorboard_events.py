"""TensorBoard's files, read back by Google's protocol buffers: the messages are theirs; a resume leaves no doubles."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from RenalAITrainingLib.training.metrics_log import MetricsLog
from RenalAITrainingLib.training.tensorboard_events import FILE, ScalarEvents, crc32c

protobuf = pytest.importorskip("google.protobuf")


def _event_class() -> Any:
    """``Event`` of TensorFlow, as its .proto files number the fields."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="renalai_test_event.proto", package="renalai_test", syntax="proto3")
    kind = descriptor_pb2.FieldDescriptorProto
    messages: dict[str, list[tuple[str, int, int, str]]] = {
        "Value": [("tag", 1, kind.TYPE_STRING, ""), ("simple_value", 2, kind.TYPE_FLOAT, "")],
        "Summary": [("value", 1, kind.TYPE_MESSAGE, "Value")],
        "Event": [
            ("wall_time", 1, kind.TYPE_DOUBLE, ""),
            ("step", 2, kind.TYPE_INT64, ""),
            ("file_version", 3, kind.TYPE_STRING, ""),
            ("summary", 5, kind.TYPE_MESSAGE, "Summary"),
        ],
    }
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, number, type_, of in fields:
            label = kind.LABEL_REPEATED if field == "value" else kind.LABEL_OPTIONAL
            one = message.field.add(name=field, number=number, type=type_, label=label)
            if of:
                one.type_name = f".renalai_test.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("renalai_test.Event"))


def _masked(content: bytes) -> int:
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def _events(path: Path) -> list[Any]:
    content, place, found, event = path.read_bytes(), 0, [], _event_class()
    while place < len(content):
        length, crc = struct.unpack_from("<QI", content, place)
        assert crc == _masked(content[place : place + 8])
        message = content[place + 12 : place + 12 + length]
        assert struct.unpack_from("<I", content, place + 12 + length)[0] == _masked(message)
        found.append(event.FromString(message))
        place += 16 + length
    return found


def _scalars(path: Path) -> list[tuple[int, dict[str, float]]]:
    first, *others = _events(path)
    assert first.file_version == "brain.Event:2" and first.wall_time > 1e9
    return [(one.step, {value.tag: value.simple_value for value in one.summary.value}) for one in others]


def test_scalars_come_back(tmp_path: Path) -> None:
    events = ScalarEvents(tmp_path)
    for step in (1, 127, 128, 300_000):
        events.write(step, {"train/loss": step / 2, "train/learning_rate": -0.25})
    events.close()
    assert _scalars(tmp_path / FILE) == [
        (step, {"train/loss": step / 2, "train/learning_rate": -0.25}) for step in (1, 127, 128, 300_000)
    ]


def test_a_resume_cuts_them_back_like_the_metrics(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    for step in (10, 20, 30):
        log.write("train", step, loss=float(step), names="no number")
    log.close()
    path = tmp_path / "tensorboard" / FILE
    path.write_bytes(path.read_bytes()[:-5])  # killed within a record
    log = MetricsLog(tmp_path, keep_to=20)
    log.write("validation", 30, score=0.5, best=True)
    log.close()
    assert _scalars(path) == [
        (10, {"train/loss": 10.0}),
        (20, {"train/loss": 20.0}),
        (30, {"validation/score": 0.5, "validation/best": 1.0}),
    ]
