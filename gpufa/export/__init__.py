"""Networks in the formats of others: PyTorch modules, ONNX models and safetensors, and PyTorch modules as networks."""
