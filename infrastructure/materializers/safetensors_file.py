"""Tensors, state dicts and dictionaries of arrays, in the format of safetensors."""

import json
import sys
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from safetensors import numpy as numpy_format

from stackfold.application.artifacts.materializer import Materializer, WriteValue
from stackfold.application.artifacts.own_materializers import use_materializer
from stackfold.application.ports import ArtifactWriter
from stackfold.domain.exact_json.class_finder import FindClass
from stackfold.infrastructure.materializers.sink import comes_from

_CODES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16",
    "uint32": "U32", "int32": "I32", "uint64": "U64", "int64": "I64",
    "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64",
}  # fmt: skip
"""Type of the elements → its code in the format."""
_ALONE = "tensor"
"""The name of a tensor that is not in a dictionary."""
_NOTE = "stackfold"
"""The entry of the header's metadata with what the format has no field for."""
_MOST_NAMES = 20
_PART = 2**20
"""Bytes that are written at a time."""


class SafetensorsMaterializer(Materializer):
    """Writes tensors of PyTorch, and dictionaries of tensors or of arrays of numpy.

    The file is written piece by piece, so that no second copy of the values is in memory. Tensors
    are read back to the CPU; those that shared memory no longer do.
    """

    name = "safetensors"

    def prepare(self, value: object) -> WriteValue | None:
        tensors = _tensors(value)
        if not tensors:
            return None
        codes = {name: _code(each) for name, each in tensors.items()}
        if not all(codes.values()):
            return None
        note = json.dumps(
            {
                "names": [*tensors],
                "gradients": [name for name, each in tensors.items() if _has_gradient(each)],
                "state": getattr(value, "_metadata", None),
            }
        )
        is_torch = not any(comes_from(each, "numpy") for each in tensors.values())
        header = {"__metadata__": {"format": "pt" if is_torch else "np", _NOTE: note}}
        start = 0
        for name, each in tensors.items():
            end = start + each.nbytes
            place = {"shape": [*each.shape], "data_offsets": [start, end]}
            header[name] = {"dtype": codes[name], **place}  # type: ignore[dict-item]
            start = end
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)

        def write(file: ArtifactWriter) -> None:
            file.write(len(text).to_bytes(8, "little") + text)
            for each in tensors.values():
                for part in _parts(each):
                    file.write(part)

        return write

    def read(self, file: BinaryIO, type_name: str, find_class: FindClass) -> Any:
        data = file.read()
        length = int.from_bytes(data[:8], "little")
        facts = json.loads(data[8 : 8 + length])["__metadata__"]
        note = json.loads(facts[_NOTE])
        if facts["format"] == "np":
            arrays = numpy_format.load(data)
            return {name: arrays[name] for name in note["names"]}
        from safetensors import torch as torch_format

        loaded = torch_format.load(data)
        tensors = {name: loaded[name] for name in note["names"]}  # the format sorts them
        for name in note["gradients"]:
            tensors[name].requires_grad_()
        if type_name == "torch.Tensor":
            return tensors[_ALONE]
        if type_name != "collections.OrderedDict":
            return tensors
        state: Any = OrderedDict(tensors)
        if note["state"] is not None:
            state._metadata = OrderedDict(note["state"])
        return state

    def metadata(self, value: Any) -> Mapping[str, Any]:
        tensors = _tensors(value) or {}
        if [*tensors] == [_ALONE]:
            return {"shape": [*value.shape], "dtype": str(value.dtype).removeprefix("torch.")}
        shapes = {name: [*each.shape] for name, each in [*tensors.items()][:_MOST_NAMES]}
        size = sum(each.nbytes for each in tensors.values())
        return {"tensors": len(tensors), "bytes": size, "shapes": shapes}


def _tensors(value: Any) -> Mapping[str, Any] | None:
    """The tensors in a value by name; None if it has other values, or none."""
    if type(value).__name__ == "Tensor" and comes_from(value, "torch"):
        return {_ALONE: value}
    if type(value) not in (dict, OrderedDict):
        return None
    if not all(type(name) is str and name and name != "__metadata__" for name in value):
        return None
    kinds = {type(each) for each in value.values()}
    names = {(kind.__module__.partition(".")[0], kind.__name__) for kind in kinds}
    # A state dict contains parameters where it was taken with keep_vars.
    return value if names in ({("torch", "Tensor")}, {("numpy", "ndarray")}) else None


def _code(tensor: Any) -> str | None:
    """The code of the type of the elements; None if the format cannot store the tensor."""
    if comes_from(tensor, "numpy"):
        return _CODES.get(tensor.dtype.name) if tensor.dtype.isnative else None
    plain = tensor.layout is sys.modules["torch"].strided and not tensor.is_quantized
    plain = plain and tensor.device.type != "meta"
    return _CODES.get(str(tensor.dtype).removeprefix("torch.")) if plain else None


def _has_gradient(tensor: Any) -> bool:
    return bool(getattr(tensor, "requires_grad", False))


def _parts(tensor: Any) -> Iterator[bytes]:
    """The bytes of the elements, in order of rows."""
    if comes_from(tensor, "numpy"):
        import numpy

        array = numpy.ascontiguousarray(tensor)
    else:
        torch = sys.modules["torch"]
        plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
        # numpy has no bfloat16; a scalar cannot be viewed as bytes.
        array = plain.reshape(-1).view(torch.uint8).numpy()
    octets = array.reshape(-1).view("uint8")
    for start in range(0, octets.size, _PART):
        yield octets[start : start + _PART].tobytes()


use_materializer(SafetensorsMaterializer())
