"""Engines: one small interface to what runs a network, whichever of onnxruntime, OpenVINO and torch is there."""
