#!/usr/bin/env python3
"""Writes tests/vectors/operators_torch.safetensors and optimizers_torch.safetensors.

Run by hand, never by make:  python3 tests/make_operator_vectors.py   (made with PyTorch 1.13, numpy 1.24)

Operators are computed in float64 and stored as float32: per case "name/x0", "name/x1" ... (inputs), "name/y",
"name/dy" (a gradient of y) and "name/dx0" ... (what flows back to each input that has one).
Optimisers run in float32: "name/p0", "name/grad" (steps, numbers), "name/p" (steps, numbers).
"""
import json
import struct

import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(20240607)


def numbers(*shape, scale=1.0):
    # rounded to float32 first, so that both sides start from the same numbers
    return torch.tensor((rng.standard_normal(shape) * scale).astype(np.float32).astype(np.float64))


def save(path, tensors):
    header, data = {}, b""
    for name in sorted(tensors):
        raw = np.ascontiguousarray(np.asarray(tensors[name], dtype="<f4"))
        header[name] = {"dtype": "F32", "shape": list(raw.shape), "data_offsets": [len(data), len(data) + raw.nbytes]}
        data += raw.tobytes()
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


out = {}


def case(name, run, *inputs, fixed=()):
    """Inputs whose position is in `fixed` get no gradient."""
    xs = [x.clone().requires_grad_(i not in fixed) for i, x in enumerate(inputs)]
    y = run(*xs)
    dy = numbers(*y.shape)
    y.backward(dy)
    for i, x in enumerate(xs):
        out[f"{name}/x{i}"] = x.detach()
        if i not in fixed:
            out[f"{name}/dx{i}"] = x.grad
    out[f"{name}/y"], out[f"{name}/dy"] = y.detach(), dy


def geglu(x):
    a, gate = x.chunk(2, dim=-1)
    return a * F.gelu(gate)


def kl(mean, logvar):
    return 0.5 * torch.sum(mean ** 2 + logvar.exp() - 1.0 - logvar, dim=(1, 2))


def contrastive(image, text, logit_scale):
    logits = text @ image.t() * logit_scale.exp()
    right = torch.arange(len(logits))
    return ((F.cross_entropy(logits, right) + F.cross_entropy(logits.t(), right)) / 2).reshape(1)


labels, ids = torch.tensor([3, 0, 4]), torch.tensor([[1, 4, 1, 1], [0, 4, 4, 2]])

case("group_norm", lambda x, g, b: F.group_norm(x, 3, g, b, 1e-5), numbers(2, 6, 3, 4), numbers(6), numbers(6))
case("layer_norm", lambda x, g, b: F.layer_norm(x, (9,), g, b, 1e-5), numbers(2, 3, 9), numbers(9), numbers(9))
case("batch_norm", lambda x, g, b, m, v: F.batch_norm(x, m, v, g, b, False, 0.1, 1e-3),
     numbers(2, 5, 3, 3), numbers(5), numbers(5), numbers(5), numbers(5).abs() + 0.5, fixed=(3, 4))
for name, run in {"silu": F.silu, "gelu": F.gelu, "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x), "relu": F.relu,
                  "sigmoid": torch.sigmoid, "tanh": torch.tanh, "exponential": torch.exp}.items():
    case(name, run, numbers(2, 37, scale=2.5))
case("logarithm", torch.log, numbers(2, 9).abs() + 0.1)
case("square_root", torch.sqrt, numbers(2, 9).abs() + 0.1)
case("power2", lambda x: x * x, numbers(2, 9))
case("absolute", torch.abs, numbers(2, 9))
case("clamp", lambda x: x.clamp(-0.5, 0.75), numbers(2, 30))
case("geglu", geglu, numbers(2, 3, 14))
case("add", torch.add, numbers(2, 3, 4, 5), numbers(3, 1, 1))
case("subtract", torch.sub, numbers(2, 1, 4, 5), numbers(2, 3, 4, 1))
case("multiply", torch.mul, numbers(4, 5), numbers(2, 3, 4, 5))
case("divide", torch.div, numbers(2, 3, 4, 1), numbers(1, 4, 5).abs() + 0.3)
case("softmax", lambda x: x.softmax(-1), numbers(3, 2, 19, scale=3.0))
case("nearest_twice", lambda x: F.interpolate(x, size=(6, 10), mode="nearest"), numbers(2, 3, 3, 5))
case("nearest_odd", lambda x: F.interpolate(x, size=(7, 4), mode="nearest"), numbers(2, 3, 3, 5))
case("bilinear_up", lambda x: F.interpolate(x, size=(7, 13), mode="bilinear", align_corners=False), numbers(2, 2, 3, 5))
case("bilinear_down", lambda x: F.interpolate(x, size=(3, 4), mode="bilinear", align_corners=False),
     numbers(2, 2, 7, 13))
case("adaptive_average_pool", lambda x: F.adaptive_avg_pool2d(x, (3, 8)), numbers(2, 2, 7, 5))
case("max_pool_3_2_1", lambda x: F.max_pool2d(x, 3, 2, 1), numbers(2, 2, 7, 8))
case("max_pool_3_2_ceil", lambda x: F.max_pool2d(x, 3, 2, 0, ceil_mode=True), numbers(2, 2, 8, 6))
case("average_pool_2", lambda x: F.avg_pool2d(x, 2), numbers(2, 2, 7, 8))
case("average_pool_3_1_1", lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), numbers(2, 2, 4, 5))
case("average_pool_3_2_1_ceil", lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), numbers(2, 2, 6, 5))
case("embedding", lambda table: F.embedding(ids, table), numbers(6, 5))
case("mse_loss", lambda x, z: ((x - z) ** 2).mean(dim=(1, 2)), numbers(3, 4, 5), numbers(3, 4, 5))
case("cross_entropy", lambda x: F.cross_entropy(x, labels, reduction="none"), numbers(3, 7, scale=2.0))
case("bce_with_logits", lambda x, z: F.binary_cross_entropy_with_logits(x, z, reduction="none").mean(dim=1),
     numbers(3, 11, scale=3.0), torch.tensor(rng.random((3, 11)).astype(np.float32).astype(np.float64)), fixed=(1,))
case("gaussian_kl", kl, numbers(3, 4, 5), numbers(3, 4, 5))
case("contrastive_loss", contrastive, F.normalize(numbers(4, 6)).float().double(),
     F.normalize(numbers(4, 6)).float().double(), numbers(1).abs() + 1.0)
case("unit_rows", lambda x: x / x.norm(dim=-1, keepdim=True), numbers(2, 3, 6))
save("tests/vectors/operators_torch.safetensors", out)

STEPS, NUMBERS = 12, 10
optimizers = {
    "sgd": lambda p: torch.optim.SGD([p], lr=0.05),
    "sgd_decay": lambda p: torch.optim.SGD([p], lr=0.05, weight_decay=0.1),
    "momentum": lambda p: torch.optim.SGD([p], lr=0.05, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD([p], lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam([p], lr=1e-2),
    "adam_decay": lambda p: torch.optim.Adam([p], lr=1e-2, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW([p], lr=1e-2),
    "adamw_decay": lambda p: torch.optim.AdamW([p], lr=2e-2, betas=(0.5, 0.9), eps=1e-7, weight_decay=0.3),
}
out = {}
for name, make in optimizers.items():
    p = numbers(NUMBERS).float().requires_grad_(True)
    grad = numbers(STEPS, NUMBERS).float()
    optimizer, path = make(p), []
    out[f"{name}/p0"] = p.detach().clone()
    for step in range(STEPS):
        p.grad = grad[step].clone()
        optimizer.step()
        path.append(p.detach().clone())
    out[f"{name}/grad"], out[f"{name}/p"] = grad, torch.stack(path)
save("tests/vectors/optimizers_torch.safetensors", out)
