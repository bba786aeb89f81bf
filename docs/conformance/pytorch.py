#!/usr/bin/env python3
"""What PyTorch computes for the cases of a golden set (docs/formats/golden.md), as a table.

    ldm99 golden write DIR
    python3 docs/conformance/pytorch.py DIR [OTHER] > docs/conformance/pytorch.md

Needs torch and numpy; reads index.json and safetensors by hand; only the networks also need their parameters, which the
shipped model holds, and their modules (tools/torch_model.py).  With OTHER, the results are also written there, for
`ldm99 golden check DIR --against OTHER`.  A pattern for other implementations: replace OPERATORS.
"""
import hashlib
import json
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MODEL = os.path.join(ROOT, "weights", "model")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import torch_model  # noqa: E402: the networks in PyTorch, with diffusers' names

DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U32": "<u4", "U8": "|u1"}


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, t in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in t["data_offsets"])
            tensors[name] = np.frombuffer(data[begin:end], DTYPES[t["dtype"]]).reshape(t["shape"])
    return tensors


def write_safetensors(path, tensors):
    header, blocks, at = {}, [], 0
    for name, x in tensors.items():
        block = np.ascontiguousarray(x, "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + len(block)]}
        blocks.append(block)
        at += len(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def pad(x, a):
    return F.pad(x, [int(a["padding_" + side]) for side in ("left", "right", "top", "bottom")])


def conv2d(i, a):
    if min(a[p] for p in a if p.startswith("padding")) < 0:
        raise ValueError("negative padding")
    return F.conv2d(pad(i["input"], a), i["weight"], i.get("bias"), int(a["stride"]), 0, int(a["dilation"]),
                    int(a["groups"]))


def conv_transpose2d(i, a):
    extra = (int(a["output_padding_bottom"]), int(a["output_padding_right"]))
    return F.conv_transpose2d(i["input"], i["weight"], i.get("bias"), int(a["stride"]), int(a["padding_top"]), extra,
                              int(a["groups"]), int(a["dilation"]))


def attention(i, a):
    heads = int(a["heads"])
    split = lambda x: x.reshape(x.shape[0], x.shape[1], heads, x.shape[2] // heads).transpose(1, 2)
    q, k, v = split(i["query"]), split(i["key"]), split(i["value"])
    s = q @ k.transpose(-1, -2) * (a["scale"] or q.shape[-1] ** -0.5)
    mask = i.get("attn_mask")
    if mask is not None:
        s = s + (mask[:, None] if mask.dim() == 3 else mask)
    if a["is_causal"]:
        s = s + torch.full(s.shape[-2:], -torch.inf).triu(1)
    y = torch.softmax(s, -1) @ v
    return y.transpose(1, 2).reshape(i["query"].shape)


def pool(function, *more):
    def run(i, a):
        counts = {name: bool(a[name]) for name in more}
        return function(i["input"], int(a["kernel_size"]), int(a["stride"]) or None, int(a["padding"]), **counts)

    return run


def max_pool2d(i, a):
    return F.max_pool2d(i["input"], int(a["kernel_size"]), int(a["stride"]) or None, int(a["padding"]),
                        ceil_mode=bool(a["ceil_mode"]))


def reshape(i, a):
    return i["input"].reshape([int(a["size%d" % k]) for k in range(int(a["rank"]))])


def sample_mean(x):
    return x.flatten(1).mean(1)


def contrastive_loss(i, a):
    logits = i["logit_scale"].exp() * (i["text"] @ i["image"].T)
    label = torch.arange(len(logits))
    return ((F.cross_entropy(logits, label) + F.cross_entropy(logits.T, label)) / 2).reshape(1)


def time_embedding(i, a):  # diffusers, models/embeddings.py, get_timestep_embedding
    width = int(a["embedding_dim"])
    half = width // 2
    exponent = -np.log(10000) * torch.arange(half, dtype=torch.float32)
    angle = i["timesteps"][:, None].float() * torch.exp(exponent / (half - a["downscale_freq_shift"]))[None]
    both = [angle.sin(), angle.cos()]
    return F.pad(torch.cat(both[::-1] if a["flip_sin_to_cos"] else both, -1), (0, width % 2))


def fft2(i, a):
    y = torch.fft.fft2(i["input"], norm="ortho")
    return torch.cat([y.real, y.imag], 1)


def guidance_rescale(i, a):  # diffusers, pipeline_stable_diffusion.py, rescale_noise_cfg, for one image
    x = i["noise_cfg"]
    rescaled = x * (i["noise_pred_text"].std() / x.std())
    return a["guidance_rescale"] * rescaled + (1 - a["guidance_rescale"]) * x


def size(a):
    return int(a["height"]), int(a["width"])


def same(x, y):
    if x.shape != y.shape:
        raise ValueError("shapes differ")
    return x, y


x_of = lambda function: lambda i, a: function(i["input"])
OPERATORS = {
    "matmul": lambda i, a: i["input"] @ (i["other"].transpose(-1, -2) if a["transpose_other"] else i["other"]),
    "linear": lambda i, a: F.linear(i["input"], i["weight"], i.get("bias")),
    "conv2d": conv2d,
    "conv_transpose2d": conv_transpose2d,
    "attention": attention,
    "softmax": lambda i, a: torch.softmax(i["input"], -1),
    "group_norm": lambda i, a: F.group_norm(i["input"], int(a["num_groups"]), i["weight"], i["bias"], a["eps"]),
    "layer_norm": lambda i, a: F.layer_norm(i["input"], i["input"].shape[-1:], i.get("weight"), i.get("bias"), a["eps"]),
    "batch_norm": lambda i, a: F.batch_norm(i["input"], i["running_mean"], i["running_var"], i["weight"], i["bias"],
                                            False, 0.0, a["eps"]),
    "silu": x_of(F.silu),
    "gelu": x_of(F.gelu),
    "quick_gelu": lambda i, a: i["input"] * torch.sigmoid(1.702 * i["input"]),
    "relu": x_of(F.relu),
    "sigmoid": x_of(torch.sigmoid),
    "tanh": x_of(torch.tanh),
    "exponential": x_of(torch.exp),
    "logarithm": x_of(torch.log),
    "square_root": x_of(torch.sqrt),
    "expm1": x_of(torch.expm1),
    "log1p": x_of(torch.log1p),
    "sin": x_of(torch.sin),
    "cos": x_of(torch.cos),
    "erf": x_of(torch.erf),
    "softplus": x_of(F.softplus),
    "add": lambda i, a: i["input"] + i["other"],
    "subtract": lambda i, a: i["input"] - i["other"],
    "multiply": lambda i, a: i["input"] * i["other"],
    "divide": lambda i, a: i["input"] / i["other"],
    "scale": lambda i, a: i["input"] * a["factor"],
    "add_scalar": lambda i, a: i["input"] + a["term"],
    "clamp": lambda i, a: torch.clamp(i["input"], a["min"], a["max"]),
    "power2": x_of(torch.square),
    "absolute": x_of(torch.abs),
    "geglu": lambda i, a: i["input"].chunk(2, -1)[0] * F.gelu(i["input"].chunk(2, -1)[1]),
    "reshape": reshape,
    "permute": lambda i, a: i["input"].permute([int(a["dim%d" % k]) for k in range(4)]),
    "concat": lambda i, a: torch.cat([i["first"], i["second"]], int(a["dim"])),
    "slice": lambda i, a: i["input"].narrow(int(a["dim"]), int(a["start"]), int(a["length"])),
    "embedding": lambda i, a: F.embedding(i["input"], i["weight"]),
    "nearest": lambda i, a: F.interpolate(i["input"], size(a), mode="nearest"),
    "bilinear": lambda i, a: F.interpolate(i["input"], size(a), mode="bilinear", align_corners=False),
    "adaptive_average_pool": lambda i, a: F.adaptive_avg_pool2d(i["input"], size(a)),
    "max_pool2d": max_pool2d,
    "average_pool2d": pool(F.avg_pool2d, "ceil_mode", "count_include_pad"),
    "sum_axis": lambda i, a: i["input"].sum(int(a["dim"]), keepdim=True),
    "mean_axis": lambda i, a: i["input"].mean(int(a["dim"]), keepdim=True),
    "sum_sample": lambda i, a: i["input"].reshape(len(i["input"]), -1).sum(1),
    "mean_sample": lambda i, a: i["input"].reshape(len(i["input"]), -1).mean(1),
    "sum_all": lambda i, a: i["input"].sum().reshape(1),
    "mean_all": lambda i, a: i["input"].mean().reshape(1),
    "unit_rows": lambda i, a: i["input"] / i["input"].norm(dim=-1, keepdim=True),
    "mse_loss": lambda i, a: sample_mean(F.mse_loss(*same(i["input"], i["target"]), reduction="none")),
    "cross_entropy": lambda i, a: F.cross_entropy(i["input"], i["target"], reduction="none"),
    "bce_with_logits": lambda i, a: sample_mean(
        F.binary_cross_entropy_with_logits(i["input"], i["target"], reduction="none")),
    "gaussian_kl": lambda i, a: (0.5 * (same(i["mean"], i["logvar"])[0] ** 2 + i["logvar"].exp() - 1 - i["logvar"]))
    .flatten(1).sum(1),
    "contrastive_loss": contrastive_loss,
    "fft2": fft2,
    "guidance": lambda i, a: i["uncond"] + a["guidance_scale"] * (i["text"] - i["uncond"]),
    "guidance_rescale": guidance_rescale,
    "time_embedding": time_embedding,
}


def random_case(case, tensors):
    """Each output by itself, from the stream's beginning; of a chain, hash after hash."""
    a, results = case["attributes"], {}
    count = int(a["count"])
    if "links" in a:
        if not case["name"].endswith("uniforms"):
            return None  # words of 32 bits are nothing that PyTorch gives out, and bits of normals nothing that it promises
        last, chain = bytes(32), b""
        for _ in range(int(a["links"])):
            torch.manual_seed(int.from_bytes(last[:4], "little"))
            last = hashlib.sha256(last + torch.rand(count).numpy().astype("<f4").tobytes()).digest()
            chain += last
        return {"chain": torch.frombuffer(bytearray(chain), dtype=torch.uint8)}
    for name, function in (("uniform", torch.rand), ("normal", torch.randn), ("permutation", torch.randperm)):
        torch.manual_seed(int(a["seed_low"]))
        results[name] = function(count)
    return results


def optimizer_case(case, tensors):
    a = dict(case["attributes"])
    parameter = torch.nn.Parameter(torch.from_numpy(tensors[case["inputs"][0]["tensor"]].copy()))
    gradients = torch.from_numpy(tensors[case["inputs"][1]["tensor"]].copy())
    if "beta1" in a:
        a["betas"] = a.pop("beta1"), a.pop("beta2")
    else:
        a["nesterov"] = bool(a["nesterov"])
    try:
        optimizer = getattr(torch.optim, case["like"].split(".")[-1])([parameter], **a)
    except ValueError:
        return None
    results = {}
    for i, gradient in enumerate(gradients):
        parameter.grad = gradient.clone()
        optimizer.step()
        results["step_%02d" % i] = parameter.detach().clone()
    return results


def grad_clip_case(case, tensors):
    parameters = [torch.nn.Parameter(torch.zeros(tensors[t["tensor"]].shape)) for t in case["inputs"]]
    for p, t in zip(parameters, case["inputs"]):
        p.grad = torch.from_numpy(tensors[t["tensor"]].copy())
    most = case["attributes"]["max_norm"]
    if most > 0:
        results = {"norm": torch.nn.utils.clip_grad_norm_(parameters, most).reshape(1)}
    else:
        results = {"norm": torch.stack([p.grad.norm() for p in parameters]).norm().reshape(1)}
    results.update(("clipped_%d" % k, p.grad) for k, p in enumerate(parameters))
    return results


def ema_case(case, tensors):  # diffusers, training_utils.py, EMAModel.get_decay and step
    a = case["attributes"]
    if not 0 <= a["decay"] <= 1 or a["min_decay"] < 0 or (a["use_ema_warmup"] and a["inv_gamma"] <= 0):
        return None
    rows = torch.from_numpy(tensors[case["inputs"][0]["tensor"]].copy())
    shadow, results = rows[0].clone(), {}
    for t in range(1, len(rows)):
        k, decay = t - int(a["update_after_step"]) - 1, 0.0
        if k > 0:
            decay = 1 - (1 + k / a["inv_gamma"]) ** -a["power"] if a["use_ema_warmup"] else (1 + k) / (10 + k)
            decay = max(min(decay, a["decay"]), a["min_decay"])
        shadow.sub_((1 - decay) * (shadow - rows[t]))
        results["step_%02d" % t] = shadow.clone()
    return results


def baddbmm(garbage, a, b, beta, alpha):
    """torch.baddbmm of PyTorch 1.13 now and then gives NaN for beta = 0 (pytorch/pytorch#80588, #96037): it multiplies
    by 0 what is in its new memory, and after the special cases that holds NaN."""
    return alpha * torch.bmm(a, b)


def network_case(case, tensors):
    """Every stage that is a module of tools/torch_model.py, the result, and gradients to inputs and parameters."""
    part, torch.baddbmm = case["operator"], baddbmm
    model = torch_model.load(MODEL, part.split("_")[0] if part.startswith("vae") else part)
    given = [torch.from_numpy(tensors[t["tensor"]].copy()) for t in case["inputs"]]
    for x in given:
        if case["gradients"] and x.dim() > 1 and x.is_floating_point():
            x.requires_grad_()
    results = {}

    def seen(name):
        def keep(module, inputs, output):
            results[name] = output.detach()
        return keep

    for name, module in model.named_modules():
        module.register_forward_hook(seen(name.replace("text_model.", "", 1)))
    run = {"vae_decoder": "decode", "vae_encoder": "encode"}.get(part, "__call__")
    y = getattr(model, run)(*given)
    results[case["outputs"][-1]["name"]] = y.detach()
    if case["gradients"]:
        y.backward(torch.from_numpy(tensors[case["output_gradients"][0]["tensor"]].copy()))
        results.update((t["name"] + ".grad", x.grad) for t, x in zip(case["inputs"], given) if x.grad is not None)
        results.update((name + ".grad", p.grad) for name, p in model.named_parameters())
    return results


RUNS = {"text_encoder": network_case, "vae_decoder": network_case, "vae_encoder": network_case, "unet": network_case,
        "random": random_case, "optimizers": optimizer_case, "grad_clip": grad_clip_case,
        "ema": ema_case}


def compute(case, tensors):
    """The results by name, or None when PyTorch refuses."""
    inputs = {t["name"]: torch.from_numpy(tensors[t["tensor"]].copy()) for t in case["inputs"]}
    wanted = [t["name"][: -len(".grad")] for t in case["gradients"]]
    for name in wanted:
        inputs[name].requires_grad_()
    try:
        y = OPERATORS[case["operator"]](inputs, case["attributes"])
    except (RuntimeError, ValueError, IndexError):
        return None
    results = {"output": y.detach()}
    if case["output_gradients"]:
        y.backward(torch.from_numpy(tensors[case["output_gradients"][0]["tensor"]].copy()))
        for name in wanted:
            gradient = inputs[name].grad
            results[name + ".grad"] = torch.zeros_like(inputs[name]) if gradient is None else gradient
    return results


def steps(x):
    """Floats as places on the line of all floats."""
    bits = np.ascontiguousarray(x, "<f4").view("<i4").astype("i8")
    return np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)


def judge(got, want, truth, bound):
    """(bits equal, largest distance in floats, largest error / bound), by the rules of docs/formats/golden.md."""
    got, want = np.asarray(got, want.dtype), want
    equal = (np.isnan(got) & np.isnan(want)) | (got.view("V%d" % got.itemsize) == want.view("V%d" % got.itemsize)) \
        if got.dtype.kind == "f" else got == want
    if got.size == 0 or got.dtype.kind != "f":
        return bool(np.all(equal)), 0 if np.all(equal) else np.inf, 0.0 if np.all(equal) else np.inf
    one_nan = np.isnan(got) != np.isnan(want)
    ulps = np.where(np.isnan(got) | np.isnan(want), np.where(one_nan, np.inf, 0), np.abs(steps(got) - steps(want)))
    with np.errstate(all="ignore"):
        wide = got.astype("f8")
        share = np.abs(wide - truth) / bound
        beyond = np.isinf(wide) & (np.sign(wide) * truth + bound >= float.fromhex("0x1.ffffffp127"))
    share = np.where(np.isinf(bound) | (wide == truth) | beyond | (np.isnan(wide) & np.isnan(truth)), 0, share)
    share = np.where(np.isnan(share), np.inf, share)
    return bool(np.all(equal)), ulps.max(), share.max()


def number(x):
    return "-" if x == 0 else "inf" if x == np.inf else "%.3g" % x if x < 1e6 else "%.1e" % x


def main(folder, other=None):
    with open(os.path.join(folder, "index.json")) as file:
        index = json.load(file)
    rows, failures, files, outputs = {}, [], {}, {}
    for case in index["cases"]:
        operator = case["operator"]
        if operator not in OPERATORS and operator not in RUNS or case["name"].startswith("random/philox"):
            continue
        if case["file"] not in files:
            files[case["file"]] = read_safetensors(os.path.join(folder, case["file"]))
        tensors = files[case["file"]]
        row = rows.setdefault(operator, dict(cases=0, tensors=0, equal=0, ulp=0.0, share=0.0, bad=0, invalid=0, refused=0))
        results = RUNS.get(operator, compute)(case, tensors)
        if operator == "random" and results is None:
            continue
        row["cases"] += 1
        if case["label"] == "invalid":
            row["invalid"] += 1
            row["refused"] += results is None
            if results is not None:
                failures.append((case["name"], "computed, but has to be refused"))
            continue
        if results is None:
            if case["label"] == "valid":
                row["bad"] += 1
                failures.append((case["name"], "refused, but has to be computed"))
            continue
        for t in case["outputs"] + case["gradients"]:
            if t["name"] not in results:
                continue
            got, want = results[t["name"]].numpy(), tensors[t["tensor"]]
            outputs.setdefault(case["file"], {})[t["tensor"]] = got
            if got.shape != want.shape:
                failures.append((t["tensor"], "has shape %s" % (got.shape,)))
                row["bad"] += 1
                continue
            equal, ulp, share = judge(got, want, tensors[t["truth"]], tensors[t["bound"]])
            row["tensors"] += 1
            row["equal"] += equal
            row["ulp"], row["share"] = max(row["ulp"], ulp), max(row["share"], share)
            if share > 1:
                row["bad"] += 1
                failures.append((t["tensor"], "error / bound %s, %s floats from the contract's bits"
                                 % (number(share), number(ulp))))
    print("# PyTorch %s (CPU) against the golden set" % torch.__version__)
    print("\nMade by `docs/conformance/pytorch.py`, one thread, binary32. A tensor is an output or a gradient; `max ulp` is the")
    print("largest distance from the contract's bits in floats, `error/bound` the largest distance from the truth in bounds")
    print("(at most 1 is within; both over all cases, edge and special ones as well).\n")
    print("| operator | cases | refused as they should | tensors | bits equal | max ulp | error/bound | within bound? |")
    print("|---|---|---|---|---|---|---|---|")
    for operator, r in rows.items():
        refused = "%d of %d" % (r["refused"], r["invalid"]) if r["invalid"] else "-"
        print("| %s | %d | %s | %d | %d | %s | %s | %s |" % (operator, r["cases"], refused, r["tensors"], r["equal"],
              number(r["ulp"]), number(r["share"]), "yes" if r["bad"] == 0 else "%d not" % r["bad"]))
    print("\n## What is not as the set asks\n")
    for name, what in failures:
        print("* `%s`: %s" % (name, what))
    if not failures:
        print("Nothing.")
    if other is not None:
        os.makedirs(other, exist_ok=True)
        for name, tensors in outputs.items():
            write_safetensors(os.path.join(other, name), tensors)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:3])
