#!/usr/bin/env python3
"""Writes tests/vectors/torch: files as torch.save itself makes them.  Needs torch (made with 1.13.1); run by hand from
the root of the tree."""
import collections

import torch

a = torch.arange(24, dtype=torch.float32).reshape(4, 6)
state = collections.OrderedDict(
    a=a, t=a.t(), part=a[1:3, 2:5], h=a.half(), b=a.bfloat16(), d=a.double(), i=torch.arange(5), s=torch.tensor(3.5),
    e=torch.zeros(0, 3))
torch.save({"state_dict": state, "epoch": 3, "lr": 0.1}, "tests/vectors/torch/zip.ckpt")
torch.save(state, "tests/vectors/torch/legacy.pth", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(3, 2), "tests/vectors/torch/module.pt")
