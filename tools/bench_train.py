#!/usr/bin/env python3
"""Training steps and evaluations of the shipped networks beside PyTorch, run for run on the same machine.

    tools/bench_train.py [--quick] [--only WORD] [--threads 1,2] [FOLDER with bench_train and prove_train]

First both compute the same: tests/prove_train.c writes inputs, outputs, gradients and updated parameters, and
tools/torch_model.py computes them in float64 and in float32.  The table says how far each of ours, and of PyTorch's
own float32, is from float64; networks that disagree are not timed.

Then every line is one job.  Our run and PyTorch's alternate; the table gives the minima, their ratio (torch / ours:
more than 1 means that we are faster), the median of the ratios of neighbours, and pictures a second.  PyTorch runs in
several ways in turn (memory layout; optimiser by lists of tensors or one by one), and the fastest counts."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

flags = open('/proc/cpuinfo').read() if os.path.exists('/proc/cpuinfo') else ''
if 'avx512vl' in flags:  # OpenBLAS picks AVX2 kernels on AMD
    os.environ.setdefault('OPENBLAS_CORETYPE', 'Cooperlake' if 'avx512_bf16' in flags else 'SkylakeX')
os.environ.setdefault('OPENBLAS_THREAD_TIMEOUT', '10')  # idle threads must not take our processors
os.environ.setdefault('GOMP_SPINCOUNT', '20000')

try:
    import torch
    import torch.nn.functional as F
    import torch_model
except ImportError:
    torch = None

MODEL, RECIPES = 'weights/model', 'weights/recipes'
INPUTS = {'unet.ids', 'unet.x', 'unet.timesteps', 'unet.target', 'vae.x', 'vae.xi'}
POOL = 64  # made-up samples that training draws from, as in tests/train_bench.h
FINE, LOOSE = 3e-6, 5  # ours may be that far from float64, or that many times as far as PyTorch's float32


def mean_of_sample(x):
    return x.flatten(1).mean(1)


def vae_losses(vae, weights, x, xi):
    """Losses of the samples; diffusion/train_vae.h has the formula."""
    mean, logvar = vae.encode(x).chunk(2, 1)
    logvar = logvar.clamp(-30, 20)
    d = vae.decode(mean + torch.exp(0.5 * logvar) * xi) - x
    kl = 0.5 * (mean ** 2 + logvar.exp() - 1 - logvar)
    across, down = d[:, :, :, 1:] - d[:, :, :, :-1], d[:, :, 1:] - d[:, :, :-1]
    return (weights['mse'] * mean_of_sample(d ** 2) + weights['l1'] * mean_of_sample(d.abs())
            + weights['edge'] * (mean_of_sample(across.abs()) + mean_of_sample(down.abs()))
            + weights['kl'] * mean_of_sample(kl))


class Update:
    """What follows the gradients: clipping, AdamW, averaged weights as diffusers' EMAModel."""

    def __init__(self, parameters, recipe, foreach=False):
        self.parameters, self.recipe, self.foreach, self.steps = list(parameters), recipe, foreach, 0
        self.average = [p.detach().clone() for p in self.parameters]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=recipe['lr'], weight_decay=recipe['weight_decay'],
                                           betas=(0.9, recipe['adam_beta2']), foreach=foreach)

    def __call__(self):
        torch.nn.utils.clip_grad_norm_(self.parameters, self.recipe['max_grad_norm'])
        self.optimizer.step()
        rest = 1 - (min(self.recipe['ema_decay'], (1 + self.steps) / (10 + self.steps)) if self.steps else 0)
        self.steps += 1
        with torch.no_grad():
            if self.foreach:
                apart = torch._foreach_sub(self.average, self.parameters)
                torch._foreach_sub_(self.average, torch._foreach_mul(apart, rest))
            else:
                for average, p in zip(self.average, self.parameters):
                    average.lerp_(p, rest)


# ---- do both compute the same? ----

def apart(got, truth, floor=0.0):
    """Largest difference as a share of the largest number (of at least `floor`); no number is infinitely far."""
    if got.shape != truth.shape or not got.isfinite().all():
        return float('inf')
    return ((got.double() - truth).abs().max() / max(truth.abs().max().item(), floor)).item()


def forward(proof, kind, recipes):
    """{name: tensor} of outputs, losses and gradients in that precision, as prove_train names them."""
    given = {name: x.to(kind) if x.is_floating_point() else x for name, x in proof.items() if '.' in name}
    text_encoder, unet, vae = [torch_model.load(MODEL, part, kind) for part in ('text_encoder', 'unet', 'vae')]
    found = {}
    found['unet.text'] = text_encoder(given['unet.ids'].long())
    found['unet.out'] = unet(given['unet.x'], given['unet.timesteps'], found['unet.text'])
    found['unet.losses'] = mean_of_sample((found['unet.out'] - given['unet.target']) ** 2)
    found['unet.losses'].mean().backward()
    found['vae.moments'], found['vae.decoded'] = vae.encode(given['vae.x']), vae.decode(given['vae.xi'])
    found['vae.losses'] = vae_losses(vae, recipes['vae']['loss'], given['vae.x'], given['vae.xi'])
    found['vae.losses'].mean().backward()
    for part, model in ('unet', unet), ('text_encoder', text_encoder), ('vae', vae):
        found.update((f'gradient.{part}.{name}', p.grad) for name, p in model.named_parameters())
    for parts in ('unet', 'text_encoder'), ('vae',):
        found.update(updated(parts, given, kind, recipes[parts[0]]['train']))
    return {name: x.detach() for name, x in found.items()}


def updated(parts, given, kind, recipe):
    """Parameters and averages after two updates with *our* gradients, halved for the second: AdamW's first step is
    little more than their signs, so that it would show rounding errors of gradients that are zero."""
    named = [(f'{part}.{name}', p) for part in parts
             for name, p in torch_model.load(MODEL, part, kind).named_parameters()]
    update = Update([p for _, p in named], recipe)
    for name, p in named:
        p.grad = given[f'gradient.{name}'].clone()
    update()
    for _, p in named:
        p.grad *= 0.5
    update()
    found = {f'updated.{name}': p for name, p in named}
    found.update((f'averaged.{name}', x) for (name, _), x in zip(named, update.average))
    return found


def row_of(name):
    """The table's line that a tensor counts for."""
    kind, part = name.split('.')[:2]
    return f'{part} {kind}' if kind in ('gradient', 'updated', 'averaged') else name


def prove(program, recipes):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, f'{folder}/proof.safetensors'], check=True)
        ours = torch_model.read_safetensors(f'{folder}/proof.safetensors')
    truth, theirs = forward(ours, torch.float64, recipes), forward(ours, torch.float32, recipes)
    wrong = sorted(set(ours) - set(truth) - INPUTS)
    print(f"{'largest difference from float64':<34} {'tensors':>7} {'ours':>9} {'torch':>9}  where ours is largest")
    for row in dict.fromkeys(map(row_of, truth)):
        names = [name for name in truth if row_of(name) == row]
        # Gradients that are zero (of the keys' biases) leave rounding errors only: to be small beside the others.
        floor = 1e-3 * max(truth[name].abs().max().item() for name in names) if row.endswith(' gradient') else 0.0
        mine, where = max((apart(ours[name], truth[name], floor), name) for name in names)
        peer = max(apart(theirs[name], truth[name], floor) for name in names)
        print(f'{row:<34} {len(names):>7} {mine:9.1e} {peer:9.1e}  {where if len(names) > 1 else ""}')
        if not mine <= max(FINE, LOOSE * peer):
            wrong.append(row)
    print(f"these disagree: {', '.join(wrong)}" if wrong else 'both compute the same', flush=True)
    return not wrong


# ---- how long do they take? ----

class Ours:
    def __init__(self, program):
        self.process = subprocess.Popen([program, 'serve'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, kind, threads, repeats, batch):
        self.process.stdin.write(f'{kind} {threads} {repeats} {batch}\n')
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def models(layout, *parts):
    return [torch_model.load(MODEL, part).to(memory_format=layout) for part in parts]


def latents(batch, recipe):
    """Shape of that many latents, by the model section of either recipe."""
    model = recipe['model']
    if 'unet' in model:
        return batch, model['unet']['in_channels'], model['unet']['sample_size'], model['unet']['sample_size']
    size = model['sample_size'] // 2 ** (len(model['block_out_channels']) - 1)
    return batch, model['latent_channels'], size, size


def unet_step(layout, foreach, batch, recipe):
    """A step as tests/bench_train.c makes it: draws, forward, loss, backward, update."""
    unet, text_encoder = models(layout, 'unet', 'text_encoder')
    words = text_encoder.text_model.embeddings
    mean = torch.randn(latents(POOL, recipe))
    deviation = 0.1 * torch.rand_like(mean)
    ids = torch.randint(words.token_embedding.num_embeddings, (POOL, words.position_embedding.num_embeddings))
    scheduler = recipe['model']['scheduler']
    beta = torch.linspace(scheduler['beta_start'] ** 0.5, scheduler['beta_end'] ** 0.5, 1000, dtype=torch.float64) ** 2
    signal, noise_level = [x.float() for x in ((1 - beta).cumprod(0).sqrt(), (1 - (1 - beta).cumprod(0)).sqrt())]
    update = Update(list(unet.parameters()) + list(text_encoder.parameters()), recipe['train'], foreach)

    def step():
        j, t = torch.randint(POOL, (batch,)), torch.randint(1000, (batch,))
        z, captions = mean[j] + deviation[j] * torch.randn(latents(batch, recipe)), ids[j]
        noise = torch.randn_like(z)
        captions[torch.rand(batch) < recipe['loss']['dropout']] = ids[0]
        a, s = signal[t][:, None, None, None], noise_level[t][:, None, None, None]
        x = (a * z + s * noise).contiguous(memory_format=layout)
        out = unet(x, t, text_encoder(captions))
        update.optimizer.zero_grad(set_to_none=True)
        F.mse_loss(out, a * noise - s * z).backward()
        update()
    return step


def vae_step(layout, foreach, batch, recipe):
    vae, = models(layout, 'vae')
    size = recipe['model']['sample_size']
    pictures = 2 * torch.rand(POOL, 3, size, size) - 1
    update = Update(vae.parameters(), recipe['train'], foreach)

    def step():
        x = pictures[torch.randint(POOL, (batch,))].contiguous(memory_format=layout)
        losses = vae_losses(vae, recipe['loss'], x, torch.randn(latents(batch, recipe)))
        update.optimizer.zero_grad(set_to_none=True)
        losses.mean().backward()
        update()
    return step


def unet(layout, foreach, batch, recipe):
    network, text_encoder = models(layout, 'unet', 'text_encoder')
    x, t = torch.randn(latents(batch, recipe)).contiguous(memory_format=layout), torch.full((batch,), 500)
    with torch.inference_mode():
        text = text_encoder(torch.zeros(batch, 32, dtype=torch.long))

    def evaluate():
        with torch.inference_mode():
            network(x, t, text)
    return evaluate


def vae_decode(layout, foreach, batch, recipe):
    vae, = models(layout, 'vae')
    z = torch.randn(latents(batch, recipe)).contiguous(memory_format=layout)

    def evaluate():
        with torch.inference_mode():
            vae.decode(z)
    return evaluate


JOBS = [(unet_step, None), (vae_step, None), (unet, 1), (unet, 2), (unet, 16), (vae_decode, 1)]
LAYOUTS = {'': torch.contiguous_format, 'channels_last': torch.channels_last} if torch else {}


def clock(threads):
    """As tests/bench_train.c measures: the processor's time with one thread, which other programs disturb less."""
    return time.process_time() if threads == 1 else time.perf_counter()


def took(call, threads, repeats):
    start = clock(threads)
    for _ in range(repeats):
        call()
    return (clock(threads) - start) / repeats


def ways_of(job, batch, recipe):
    """PyTorch's ways of doing this job: {name: call}."""
    lists = (False, True) if job.__name__.endswith('step') else (False,)
    return {' '.join([layout] * (layout != '') + ['foreach'] * foreach): job(LAYOUTS[layout], foreach, batch, recipe)
            for layout in LAYOUTS for foreach in lists}


def compare(ours, job, batch, recipe, threads, rounds):
    torch.set_num_threads(threads)
    ways = ways_of(job, batch, recipe)
    mine, theirs = [], {way: [] for way in ways}
    for call in ways.values():
        took(call, threads, 2)
    repeats = max(1, min(50, int(0.1 / ours.run(job.__name__, threads, 2, batch))))
    for _ in range(rounds):
        mine.append(ours.run(job.__name__, threads, repeats, batch))
        for way, call in ways.items():
            theirs[way].append(took(call, threads, repeats))
    best = min(theirs, key=lambda way: min(theirs[way]))
    median = statistics.median(t / m for t, m in zip(theirs[best], mine))
    print(f'{job.__name__:<12} {batch:>5} {threads:>3} {min(mine) * 1e3:9.2f} {min(theirs[best]) * 1e3:9.2f} '
          f'{min(theirs[best]) / min(mine):9.2f} {median:7.2f} {batch / min(mine):10.1f}  {best}', flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--quick', action='store_true', help='3 rounds a job instead of 9')
    parser.add_argument('--only', default='', help='jobs whose text has this word')
    parser.add_argument('--threads', default='1,2')
    parser.add_argument('folder', nargs='?', default='build/gcc/tests')
    arguments = parser.parse_args()
    if torch is None:
        print('skipped: PyTorch is not installed')
        return 0
    recipes = {part: json.load(open(f'{RECIPES}/{part}.json')) for part in ('unet', 'vae')}
    if not prove(f'{arguments.folder}/prove_train', recipes):
        return 1
    ours = Ours(f'{arguments.folder}/bench_train')
    print(f"\n{'job':<12} {'batch':>5} {'thr':>3} {'ours ms':>9} {'torch ms':>9} {'of minima':>9} {'median':>7} "
          f"{'pictures/s':>10}  torch's way")
    for job, batch in JOBS:
        for threads in map(int, arguments.threads.split(',')):
            recipe = recipes[job.__name__.split('_')[0]]
            samples = batch or recipe['train']['batch_size']
            if arguments.only in f'{job.__name__} {samples}':
                compare(ours, job, samples, recipe, threads, 3 if arguments.quick else 9)
    return 0


if __name__ == '__main__':
    sys.exit(main())
