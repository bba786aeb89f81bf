#!/usr/bin/env python3
"""Speed of the product kernels beside OpenBLAS and PyTorch, run for run on the same machine.

    tools/bench_kernels.py [--quick] [--only WORD] [PATH/bench_kernels]

Every line is one job: our run and the peer's alternate, and the table gives the minima and their ratio
(peer / ours, so more than 1 means that we are faster).  A peer that is not installed is skipped with a word.
OpenBLAS is made to use its AVX-512 kernels where the processor has them (the default picks AVX2 ones on AMD)."""
import argparse
import ctypes
import ctypes.util
import os
import statistics
import subprocess
import sys
import time

flags = open('/proc/cpuinfo').read() if os.path.exists('/proc/cpuinfo') else ''
if 'avx512vl' in flags:
    os.environ.setdefault('OPENBLAS_CORETYPE', 'Cooperlake' if 'avx512_bf16' in flags else 'SkylakeX')

os.environ.setdefault('OPENBLAS_THREAD_TIMEOUT', '10')  # its idle threads must not take our processors
os.environ.setdefault('GOMP_SPINCOUNT', '20000')

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = None


class Ours:
    def __init__(self, program):
        self.process = subprocess.Popen([program, 'serve'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def run(self, kind, what, threads, repeats, sizes):
        self.process.stdin.write(f"{kind} {what} {threads} {repeats} {' '.join(map(str, sizes))}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


class OpenBlas:
    """cblas_sgemm by ctypes; serves 'matmul'."""
    name = 'OpenBLAS'

    def __init__(self):
        path = ctypes.util.find_library('openblas')
        self.lib = ctypes.CDLL(path) if path else None

    def prepare(self, kind, what, threads, sizes):
        if self.lib is None or kind != 'matmul':
            return None
        m, n, k, turned = sizes
        a, b, c = [(ctypes.c_float * count)(*([0.5] * count)) for count in (m * k, k * n, m * n)]
        self.lib.openblas_set_num_threads(threads)

        def call():
            self.lib.cblas_sgemm(101, 111, 112 if turned else 111, m, n, k, ctypes.c_float(1), a, k, b,
                                 k if turned else n, ctypes.c_float(0), c, n)
        return call


class Torch:
    name = 'torch'

    def prepare(self, kind, what, threads, sizes):
        if torch is None:
            return None
        torch.set_num_threads(threads)
        return getattr(self, kind)(what, sizes)

    def matmul(self, what, sizes):
        m, n, k, turned = sizes
        a, b = torch.randn(m, k), torch.randn(n, k).t() if turned else torch.randn(k, n)
        return lambda: torch.mm(a, b)

    def linear(self, what, sizes):
        n, t, fan_in, fan_out = sizes
        x, w, b, dy = torch.randn(n * t, fan_in), torch.randn(fan_out, fan_in), torch.randn(fan_out), torch.randn(n * t, fan_out)
        return {'forward': lambda: F.linear(x, w, b), 'input': lambda: dy @ w, 'weight': lambda: dy.t() @ x}[what]

    def conv(self, what, sizes):
        n, c, h, w, o, k, stride, pad = sizes
        x, weight, bias = torch.randn(n, c, h, w), torch.randn(o, c, k, k), torch.randn(o)
        if what == 'forward':
            return lambda: F.conv2d(x, weight, bias, stride, pad)
        dy = torch.randn_like(F.conv2d(x, weight, bias, stride, pad))
        mask = [what == 'input', what == 'weight', False]
        return lambda: torch.ops.aten.convolution_backward(dy, x, weight, [o], [stride] * 2, [pad] * 2, [1, 1], False,
                                                           [0, 0], 1, mask)

    def attention(self, what, sizes):
        b, t, s, heads, d = sizes
        q = torch.randn(b * heads, t, d, requires_grad=what == 'backward')
        k, v = [torch.randn(b * heads, s, d, requires_grad=what == 'backward') for _ in range(2)]

        def forward():
            return torch.bmm(torch.softmax(torch.bmm(q, k.transpose(1, 2)) * 0.125, -1), v)
        if what == 'forward':
            return forward
        y = forward()
        dy = torch.randn_like(y)
        return lambda: torch.autograd.grad(y, (q, k, v), dy, retain_graph=True)


U_NET = [(32, 48, 16, 16, 48, 3, 1, 1), (32, 96, 8, 8, 96, 3, 1, 1), (32, 160, 4, 4, 160, 3, 1, 1),
         (32, 96, 16, 16, 48, 3, 1, 1), (32, 4, 16, 16, 48, 3, 1, 1), (32, 48, 16, 16, 48, 3, 2, 1),
         (32, 144, 16, 16, 48, 1, 1, 0)]
SD = [(1, 320, 64, 64, 320, 3, 1, 1), (1, 640, 32, 32, 640, 3, 1, 1), (1, 1280, 16, 16, 1280, 3, 1, 1),
      (1, 1280, 8, 8, 1280, 3, 1, 1), (1, 128, 128, 128, 128, 3, 1, 1)]
JOBS = [('matmul', 'forward', s) for s in
        [(320, 4096, 2880, 0), (640, 1024, 5760, 0), (1280, 256, 11520, 0), (16, 128, 1152, 0), (4096, 320, 320, 1),
         (1024, 640, 640, 1), (4096, 2560, 320, 1), (77, 320, 768, 1), (512, 512, 512, 0), (1024, 1024, 1024, 0)]]
JOBS += [('linear', what, s) for s in [(32, 256, 48, 384), (32, 64, 96, 96), (32, 1, 192, 192)]
         for what in ('forward', 'input', 'weight')]
JOBS += [('conv', what, s) for s in U_NET for what in ('forward', 'input', 'weight')]
JOBS += [('conv', 'forward', s) for s in SD] + [('conv', 'input', SD[0]), ('conv', 'weight', SD[0])]
JOBS += [('attention', what, s) for s in [(32, 64, 64, 4, 24), (32, 256, 256, 4, 12), (1, 1024, 1024, 8, 80), (1, 4096, 4096, 8, 40),
                                          (1, 4096, 77, 8, 40)] for what in ('forward', 'backward')]


def compare(ours, call, kind, what, threads, sizes, rounds):
    clock = time.process_time if threads == 1 else time.perf_counter  # as bench_kernels does
    start = clock()
    call()
    once = max(clock() - start, 1e-6)
    repeats = max(1, min(200, int(0.02 / once)))
    mine, theirs = [], []
    for _ in range(rounds):
        mine.append(ours.run(kind, what, threads, repeats, sizes))
        start = clock()
        for _ in range(repeats):
            call()
        theirs.append((clock() - start) / repeats)
    return min(mine), min(theirs), statistics.median(t / m for t, m in zip(theirs, mine))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--quick', action='store_true', help='3 rounds a job instead of 9')
    parser.add_argument('--only', default='', help='jobs whose text has this word')
    parser.add_argument('--threads', default='1,2')
    parser.add_argument('program', nargs='?', default='build/gcc/tests/bench_kernels')
    arguments = parser.parse_args()
    ours, peers = Ours(arguments.program), [OpenBlas(), Torch()]
    if peers[0].lib is None:
        print('skipped: OpenBLAS is not installed')
    if torch is None:
        print('skipped: PyTorch is not installed')
    print(f"{'job':<46} {'thr':>3} {'ours ms':>9} {'peer ms':>9} {'of minima':>9} {'median':>7}  peer")
    for kind, what, sizes in JOBS:
        text = f"{kind} {what} {' '.join(map(str, sizes))}"
        if arguments.only not in text:
            continue
        for threads in map(int, arguments.threads.split(',')):
            for peer in peers:
                call = peer.prepare(kind, what, threads, sizes)
                if call is None:
                    continue
                mine, theirs, middle = compare(ours, call, kind, what, threads, sizes, 3 if arguments.quick else 9)
                print(f'{text:<46} {threads:>3} {mine * 1e3:9.3f} {theirs * 1e3:9.3f} {theirs / mine:9.2f} '
                      f'{middle:7.2f}  {peer.name}', flush=True)


if __name__ == '__main__':
    main()
