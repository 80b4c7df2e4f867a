"""Networks as ONNX files: written, made smaller, and read back into one that learns."""
