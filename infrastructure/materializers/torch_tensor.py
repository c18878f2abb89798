"""Tensors and state dicts of PyTorch, as safetensors."""

from collections import OrderedDict

import torch

from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.infrastructure.materializers.safetensors_file import SafetensorsMaterializer

use_materializer(SafetensorsMaterializer(), torch.Tensor, OrderedDict)
