#!/usr/bin/env python3
"""Makes the reference cases of tests/cases with PyTorch and numpy.  Run by hand, from the root of the project, after
`make build/gcc/tests/make_tiny_model && build/gcc/tests/make_tiny_model tests/cases/model &&
build/gcc/tests/make_tiny_model tests/cases/model-inpaint inpaint`; never by make.  Words: only these cases.

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


def save_case(name, about, inputs, compute, least=1e-7):
    """compute(dtype) gives the named results; `least` is the smallest tolerance."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder, exist_ok=True)
    exact, single = finite(compute, torch.float64), finite(compute, torch.float32)
    table, expected = {}, {}
    for key, value in single.items():
        x, y = as_numpy(value).astype("f4"), as_numpy(exact[key]).astype("f8")
        off, size = float(abs(x - y).max()), float(abs(y).max())
        table[key] = {"shape": list(x.shape), "max_abs": size, "max_abs_diff_f32_vs_f64": off,
                      "suggested_atol": float("%.2g" % max(20 * off, 2e-6 * size, least))}
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


def ids_of(texts, folder=MODEL):
    """The tokenizer of the tiny model: its captions' words are in the vocabulary as wholes or in pieces."""
    with open(folder + "/tokenizer/vocab.json") as file:
        table = json.load(file)
    with open(folder + "/tokenizer/merges.txt") as file:
        merges = [tuple(line.split()) for line in file.read().splitlines() if line and not line.startswith("#")]
    rank = {pair: i for i, pair in enumerate(merges)}
    with open(folder + "/tokenizer/tokenizer_config.json") as file:
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


def inpainting(name, strength, seed):
    """StableDiffusionInpaintPipeline with a U-Net of 9 channels: [latents, mask, latents of the masked picture]."""
    folder, prompt, steps, scale = FOLDER + "/model-inpaint", "a red circle", 4, 5.0
    picture = numpy.random.RandomState(9).random_sample((1, 3, 16, 24)).astype("f4")
    # Light and dark change inside the cells of the latent's grid, so that it matters which pixel stands for a cell.
    mask = (numpy.add.outer(numpy.arange(16) * 3, numpy.arange(24) * 5) % 31 / 31).astype("f4")
    mask[6:, 9:] = 0.5
    mask[:3, :] = 0.499
    inputs = {"image": picture, "mask": mask[None, None]}
    taken = min(int(steps * strength), steps)

    def compute(dtype):
        unet, vae = torch_model.load(folder, "unet", dtype), torch_model.load(folder, "vae", dtype)
        encoder = torch_model.load(folder, "text_encoder", dtype)
        text = encoder(torch.from_numpy(ids_of(["", prompt], folder).astype("i8")))
        generator, bar, out = torch.Generator().manual_seed(seed), alphas().to(dtype), {}

        def draw():
            noise = torch.randn(1, 4, 4, 6, generator=generator)  # binary32 whatever the rest is
            out["inpaint.noise.%d" % len(out)] = noise
            return noise.to(dtype)

        def encode(image):
            mean, logvar = vae.encode(image).chunk(2, 1)
            return (mean + torch.exp(0.5 * logvar.clamp(-30, 20)) * draw()) * 0.18215

        image = 2 * torch.from_numpy(picture).to(dtype) - 1
        hole = (torch.from_numpy(inputs["mask"]) >= 0.5).to(dtype)
        times = [1000 // steps * k + 1 for k in reversed(range(steps))][steps - taken:]
        if strength < 1:
            clean, t = encode(image), times[0]
            x = bar[t] ** 0.5 * clean + (1 - bar[t]) ** 0.5 * draw()
        else:
            x = draw()
        masked = encode(image * (hole < 0.5))
        cells, states = torch.nn.functional.interpolate(hole, size=(4, 6)), []
        for t in times:
            seen = torch.cat([x, cells, masked], 1)
            without, with_text = unet(torch.cat([seen, seen]), torch.full((2,), float(t)), text).chunk(2)
            eps = without + scale * (with_text - without)
            before = bar[t - 1000 // steps] if t >= 1000 // steps else bar[0]
            x0 = (x - (1 - bar[t]) ** 0.5 * eps) / bar[t] ** 0.5
            x = before ** 0.5 * x0 + (1 - before) ** 0.5 * eps
            states.append(x)
        y = vae.decode(x / 0.18215)
        out.update({"inpaint.latents_per_step": torch.stack(states), "inpaint.decoded": y,
                    "inpaint.image": (y / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1)})
        return out

    save_case(name, {
        "what": "a picture of 24x16 with a hole, U-Net of 9 channels, DDIM", "checkpoint": "../model-inpaint",
        "pipeline": "StableDiffusionInpaintPipeline", "prompt": prompt, "num_inference_steps": steps,
        "guidance_scale": scale, "strength": strength, "generator_seed": seed,
        "scheduler_class": "DDIMScheduler"}, inputs, compute)


# ---- metrics ----

def resize():
    inputs = {"x": numpy.random.RandomState(4).randint(0, 256, (1, 2, 7, 9)).astype("f4")}

    def places(size, out):
        at = numpy.arange(out).astype("f4") * (numpy.float32(size) / numpy.float32(out))
        low = at.astype("i8")
        return low, numpy.minimum(low + 1, size - 1), (at - low.astype("f4"))

    def compute(dtype):
        kind, out = {torch.float32: "f4", torch.float64: "f8"}[dtype], {}
        for height, width in (14, 18), (29, 31), (3, 4):
            x = inputs["x"].astype(kind)
            top, bottom, v = places(7, height)
            left, right, u = places(9, width)
            u, v = u.astype(kind), v.astype(kind)[:, None]
            rows = [x[:, :, r][:, :, :, left] + (x[:, :, r][:, :, :, right] - x[:, :, r][:, :, :, left]) * u
                    for r in (top, bottom)]
            out["x_%dx%d" % (height, width)] = rows[0] + (rows[1] - rows[0]) * v
        return out

    save_case("resize-tf1", {"what": "the bilinear resize of TensorFlow 1: positions i * (in / out) in float32"},
              inputs, compute)


def focal_frequency():
    options = {"plain": "defaults", "half": {"alpha": 0.5, "loss_weight": 2.0}, "tiles": {"patch_factor": 2},
               "batch": {"batch_matrix": True, "log_matrix": True}, "mean": {"ave_spectrum": True, "alpha": 2.0}}
    inputs = {"pred": normal(5, 2, 1, 6, 10), "target": normal(6, 2, 1, 6, 10)}

    def loss(x, y, o):
        o, k = ({} if o == "defaults" else o), (1 if o == "defaults" else o.get("patch_factor", 1))
        h, w = x.shape[2] // k, x.shape[3] // k
        tiles = [torch.fft.fft2((x - y)[:, :, i * h:(i + 1) * h, j * w:(j + 1) * w], norm="ortho")
                 for i in range(k) for j in range(k)]
        d = torch.stack(tiles, 1)
        if o.get("ave_spectrum"):
            d = d.mean(0, keepdim=True)
        square = d.real ** 2 + d.imag ** 2
        weight = square.detach().sqrt() ** o.get("alpha", 1.0)
        if o.get("log_matrix"):
            weight = torch.log(weight + 1)
        weight = weight / (weight.max() if o.get("batch_matrix") else weight.amax((-2, -1), keepdim=True))
        return o.get("loss_weight", 1.0) * (weight * square).mean()

    def compute(dtype):
        out, y = {}, torch.from_numpy(inputs["target"]).to(dtype)
        for name, o in options.items():
            with torch.enable_grad():
                x = torch.from_numpy(inputs["pred"]).to(dtype).requires_grad_()
                value = loss(x, y, o)
                value.backward()
            out[name + ".loss"], out[name + ".grad_pred"] = value.detach()[None], x.grad
        return out

    save_case("focal-frequency", {"what": "focal frequency loss of pictures of 6x10", "options": options}, inputs,
              compute, 1e-9)


def distances():
    """FID by numpy's eigenvalues of the product, KID, precision and recall by plain loops."""
    inputs = {"set.features_1": normal(7, 30, 6), "set.features_2": normal(8, 26, 6) * 0.8 + 0.3}
    x, y = (inputs[k].astype("f8") for k in ("set.features_1", "set.features_2"))
    one, two = numpy.cov(x.T), numpy.cov(y.T)
    gap = ((x.mean(0) - y.mean(0)) ** 2).sum()
    root = numpy.sqrt(numpy.linalg.eigvals(one @ two).real.clip(0)).sum()
    size, estimates, generator = 12, [], numpy.random.RandomState(2020)
    for _ in range(4):
        a, b = (s[generator.choice(len(s), size, replace=False)] for s in (x, y))
        aa, bb, ab = ((p @ q.T / 6 + 1) ** 3 for p, q in ((a, a), (b, b), (a, b)))
        own = aa.sum() - numpy.trace(aa) + bb.sum() - numpy.trace(bb)
        estimates.append(own / (size * (size - 1)) - 2 * ab.sum() / size ** 2)

    def covered(points, balls):
        inside = numpy.linalg.norm(balls[:, None] - balls[None], axis=2)
        radius = numpy.sort(inside, axis=1)[:, 3]
        return float((numpy.linalg.norm(points[:, None] - balls[None], axis=2) <= radius[None]).any(1).mean())

    precision, recall = covered(x, y), covered(y, x)
    values = {"fid": gap + numpy.trace(one) + numpy.trace(two) - 2 * root, "trace_sigma1": numpy.trace(one),
              "trace_sigma2": numpy.trace(two), "mu_diff_sq": gap, "kid_mean": float(numpy.mean(estimates)),
              "kid_std": float(numpy.std(estimates)), "kid_args": {"kid_subsets": 4, "kid_subset_size": size},
              "precision": float(numpy.float32(precision)), "recall": float(numpy.float32(recall)),
              "f_score": 2 * precision * recall / (precision + recall)}
    save_case("distances", {"what": "30 features and 26, of 6 numbers", "values": {"set": values}}, inputs,
              lambda dtype: {"set.mu1": x.mean(0), "set.sigma1": one, "set.sigma2": two})


CASES = {"text-encoder": text_encoder, "autoencoder": autoencoder, "text-to-image": text_to_image,
         "inpaint-9-channels": lambda: inpainting("inpaint-9-channels", 1.0, 94),
         "inpaint-9-channels-strength": lambda: inpainting("inpaint-9-channels-strength", 0.75, 95),
         "resize-tf1": resize, "focal-frequency": focal_frequency, "distances": distances}

if __name__ == "__main__":
    torch.manual_seed(0)
    with torch.no_grad():
        for case in sys.argv[1:] or CASES:
            CASES[case]()
