#!/usr/bin/env python3
"""Makes the reference cases of tests/cases with PyTorch and numpy.  Run by hand, from the root of the project, after
`make build/gcc/tests/make_tiny_model && build/gcc/tests/make_tiny_model tests/cases/model`; never by make.

Everything is computed in float64 and once more in float32; what is stored is the float32 result, and the tolerance of
a tensor is 20 times their difference, but at least 2e-6 of its largest number."""
import json
import math
import os
import struct
import sys

import numpy
import torch

sys.path.insert(0, "tools")
import torch_model  # noqa: E402

FOLDER = "tests/cases"
MADE_WITH = "tests/make_cases.py with PyTorch %s, tools/torch_model.py" % torch.__version__.split("+")[0]
KINDS = {"float32": "F32", "int32": "I32"}


def save_tensors(path, tensors):
    header, data, offset = {}, b"", 0
    for name in sorted(tensors):
        array = numpy.ascontiguousarray(tensors[name])
        raw = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": KINDS[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(raw)]}
        data, offset = data + raw, offset + len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def as_numpy(x):
    return numpy.asarray(x.detach() if torch.is_tensor(x) else x)


def finite(compute, dtype):
    """Once more where a number is NaN: some builds of torch read memory that nobody wrote (baddbmm with beta 0)."""
    while True:
        result = compute(dtype)
        if all(numpy.isfinite(as_numpy(x)).all() for x in result.values()):
            return result


def save_case(name, about, inputs, compute):
    """compute(dtype) gives the named results."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder, exist_ok=True)
    exact, single = finite(compute, torch.float64), finite(compute, torch.float32)
    table, expected = {}, {}
    for key, value in single.items():
        x, y = as_numpy(value).astype("f4"), as_numpy(exact[key]).astype("f8")
        off, size = float(abs(x - y).max()), float(abs(y).max())
        table[key] = {"shape": list(x.shape), "max_abs": size, "max_abs_diff_f32_vs_f64": off,
                      "suggested_atol": float("%.2g" % max(20 * off, 2e-6 * size, 1e-7))}
        expected[key] = x
    save_tensors(folder + "/inputs.safetensors", inputs)
    save_tensors(folder + "/expected.safetensors", expected)
    with open(folder + "/case.json", "w") as file:
        json.dump({**about, "tensors": table, "made_with": MADE_WITH}, file, indent=1)
        file.write("\n")


def normal(seed, *shape):
    return numpy.random.RandomState(seed).standard_normal(shape).astype("f4")


# ---- the tiny model ----

MODEL = FOLDER + "/model"


def text_states(ids, dtype):
    model = torch_model.load(MODEL, "text_encoder", dtype).text_model
    x = model.embeddings(ids)
    mask = torch.full((ids.shape[1], ids.shape[1]), -math.inf, dtype=dtype).triu(1)
    states = [x]
    for layer in model.encoder.layers:
        states.append(layer(states[-1], mask))
    return states, model.final_layer_norm


def text_encoder():
    ids = numpy.array([[597, 10, 20, 30, 40, 598] + [598] * 6, [597, 5, 4, 3, 2, 1, 0, 7, 8, 9, 10, 598]], "i4")

    def compute(dtype):
        torch_ids = torch.from_numpy(ids.astype("i8"))
        states, norm = text_states(torch_ids, dtype)
        last = norm(states[-1])
        out = {"hidden_states.%d" % i: s for i, s in enumerate(states)}
        out["last_hidden_state"] = last
        out["pooler_output"] = last[torch.arange(2), torch_ids.argmax(-1)]
        out["clip_skip.1"] = norm(states[-2])
        return out

    save_case("text-encoder", {"what": "CLIP's text encoder, two layers, eos_token_id 2", "checkpoint": "../model"},
              {"input_ids": ids}, compute)


def autoencoder():
    inputs = {"image": normal(1, 2, 3, 12, 16).clip(-1, 1), "noise": normal(2, 2, 2, 3, 4)}

    def compute(dtype):
        vae = torch_model.load(MODEL, "vae", dtype)
        mean, logvar = vae.encode(torch.from_numpy(inputs["image"]).to(dtype)).chunk(2, 1)
        logvar = logvar.clamp(-30, 20)
        sample = mean + torch.exp(0.5 * logvar) * torch.from_numpy(inputs["noise"]).to(dtype)
        return {"mean": mean, "logvar": logvar, "std": torch.exp(0.5 * logvar), "sample": sample,
                "kl": 0.5 * (mean ** 2 + logvar.exp() - 1 - logvar).sum([1, 2, 3]),
                "decoded_of_sample": vae.decode(sample), "decoded_of_mean": vae.decode(mean)}

    save_case("autoencoder", {"what": "two pictures of 16x12, three levels", "checkpoint": "../model/vae"},
              inputs, compute)


def ids_of(texts):
    """The tokenizer of the tiny model: its captions' words are in the vocabulary as wholes or in pieces."""
    with open(MODEL + "/tokenizer/vocab.json") as file:
        table = json.load(file)
    with open(MODEL + "/tokenizer/merges.txt") as file:
        merges = [tuple(line.split()) for line in file.read().splitlines() if line and not line.startswith("#")]
    rank = {pair: i for i, pair in enumerate(merges)}
    with open(MODEL + "/tokenizer/tokenizer_config.json") as file:
        config = json.load(file)
    length, rows = config["model_max_length"], []
    start, end, pad = [table[t["content"] if isinstance(t, dict) else t]
                       for t in (config["bos_token"], config["eos_token"], config["pad_token"])]
    for text in texts:
        row = [start]
        for word in text.split():
            parts = list(word[:-1]) + [word[-1] + "</w>"]
            while True:
                pairs = [p for p in zip(parts, parts[1:]) if p in rank]
                if not pairs:
                    break
                best, joined, i = min(pairs, key=rank.get), [], 0
                while i < len(parts):
                    both = tuple(parts[i:i + 2]) == best
                    joined.append("".join(parts[i:i + 1 + both]))
                    i += 1 + both
                parts = joined
            row += [table[p] for p in parts]
        row = row[:length - 1] + [end]
        rows.append(row + [pad] * (length - len(row)))
    return numpy.array(rows, "i4")


def alphas():
    """As diffusers computes them for "scaled_linear", in float32."""
    betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float32) ** 2
    return torch.cumprod(1 - betas, 0)


def text_to_image():
    prompts, negative, steps, scale = ["a red circle", "two blue square"], "a red square", 4, 5.0
    config = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
              "trained_betas": None, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1,
              "prediction_type": "epsilon", "timestep_spacing": "leading"}
    inputs = {"latents": normal(3, 2, 2, 4, 6), "prompt_ids": ids_of(prompts), "negative_ids": ids_of([negative])}

    def compute(dtype):
        unet, vae = torch_model.load(MODEL, "unet", dtype), torch_model.load(MODEL, "vae", dtype)
        cond = torch_model.load(MODEL, "text_encoder", dtype)(torch.from_numpy(inputs["prompt_ids"].astype("i8")))
        uncond = torch_model.load(MODEL, "text_encoder", dtype)(torch.from_numpy(inputs["negative_ids"].astype("i8")))
        uncond = uncond.repeat(2, 1, 1)
        text, bar, out = torch.cat([uncond, cond]), alphas().to(dtype), {}
        x, states = torch.from_numpy(inputs["latents"]).to(dtype), []
        times = [1000 // steps * k + 1 for k in reversed(range(steps))]
        for i, t in enumerate(times):
            both = torch.cat([x, x])
            y = unet(both, torch.full((4,), float(t)), text)
            if i in (0, steps - 1):
                out["unet_in.%d" % i], out["unet_out.%d" % i] = both, y
            without, with_text = y.chunk(2)
            eps = without + scale * (with_text - without)
            before = bar[t - 1000 // steps] if t >= 1000 // steps else bar[0]
            x0 = (x - (1 - bar[t]) ** 0.5 * eps) / bar[t] ** 0.5
            x = before ** 0.5 * x0 + (1 - before) ** 0.5 * eps
            states.append(x)
        y = vae.decode(x / 0.18215)
        out.update(text_embeds_cond=cond, text_embeds_uncond=uncond, latents_per_step=torch.stack(states), decoded=y,
                   image=(y / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1), unet_t=numpy.array(times, "f4"),
                   scheduler_timesteps=numpy.array(times, "f4"))
        return out

    save_case("text-to-image", {
        "what": "two prompts in one run, 24x16 pixels, DDIM, 4 steps, guidance 5", "checkpoint": "../model",
        "pipeline": "StableDiffusionPipeline", "prompt": prompts, "negative_prompt": negative,
        "num_inference_steps": steps, "guidance_scale": scale, "height": 16, "width": 24,
        "scheduler_class": "DDIMScheduler", "scheduler_config": config, "extra": {}}, inputs, compute)


if __name__ == "__main__":
    torch.manual_seed(0)
    with torch.no_grad():
        text_encoder()
        autoencoder()
        text_to_image()
