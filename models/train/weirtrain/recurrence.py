"""The gated linear recurrence of one layer: in C on a CPU that has a compiler,
else in PyTorch's operations. tests/test_recurrence.py holds them equal."""

import ctypes
import functools
import hashlib
import os
import pathlib
import subprocess
import tempfile

import torch

_SOURCE = pathlib.Path(__file__).with_name("recurrence.c")


def reference(gates, x, c0):
    """gates [batch, time, 3 width], x [batch, time, width], c0 [batch, width]
    → y like x, and the last state."""
    z, f, r = gates.float().chunk(3, -1)
    keep = torch.sigmoid(f)
    c, states = c0, []
    for k, v in zip(keep.unbind(1), z.unbind(1)):
        c = v + k * (c - v)
        states.append(c)
    c = torch.stack(states, 1)
    return x + torch.sigmoid(r) * (c - x), c[:, -1]


@functools.cache
def _library():
    text = _SOURCE.read_bytes()
    name = hashlib.sha256(text).hexdigest()[:16]
    path = pathlib.Path(tempfile.gettempdir()) / f"weir-recurrence-{os.getuid()}-{name}.so"
    if not path.exists():
        building = path.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [os.environ.get("CC", "cc"), "-O3", "-march=native", "-ffast-math",
             "-shared", "-fPIC", "-o", building, _SOURCE, "-lm"],
            check=True,
        )
        building.rename(path)
    return ctypes.CDLL(str(path))


def _pointer(t):
    assert t.is_contiguous()
    return ctypes.c_void_p(t.data_ptr())


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gates, x, c0):
        gates, x, c0 = gates.contiguous(), x.contiguous(), c0.contiguous()
        c, y = torch.empty_like(x), torch.empty_like(x)
        _library().forward(*x.shape, *map(_pointer, (gates, x, c0, c, y)))
        ctx.save_for_backward(gates, x, c0, c)
        return y, c[:, -1].clone()

    @staticmethod
    def backward(ctx, dy, dlast):
        gates, x, c0, c = ctx.saved_tensors
        dgates, dx, dc0 = torch.empty_like(gates), torch.empty_like(x), torch.empty_like(c0)
        _library().backward(
            *x.shape, *map(_pointer, (gates, x, c0, c, dy.contiguous(), dlast.contiguous(), dgates, dx, dc0))
        )
        return dgates, dx, dc0


def fused_works():
    try:
        _library()
        return True
    except (OSError, subprocess.CalledProcessError):
        return False


def recurrence(gates, x, c0):
    if gates.dtype == torch.bfloat16 and x.device.type == "cpu" and fused_works():
        return _Fused.apply(gates, x, c0)
    return reference(gates, x, c0)
