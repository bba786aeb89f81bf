#!/usr/bin/env python3
"""How much a denoiser listens to the words of style, place and thing.

    python3 tools/text_response.py [MODEL-FOLDER]

One noisy latent, captions that differ in one respect: the root mean square of how the U-Net's answers differ (standard deviation
over the captions), for timesteps from noise to picture.  A model that ignores the style answers the same for all of them.
Needs torch; the networks are those of tools/torch_model.py.
"""
import json
import os
import sys

import torch

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
sys.path.insert(0, os.path.join(ROOT, 'tools'))
import torch_model  # noqa: E402

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, 'weights', 'model')
STYLES = ['twemoji', 'noto', 'blob', 'flat', 'fluent', 'emojione']
THINGS = ['cat face', 'rose', 'bus', 'star', 'frog', 'house']
CAPTIONS = {
    'thing': [f'a {thing} in noto style on white' for thing in THINGS],
    'style': [f'a cat face in {style} style on white' for style in STYLES],
    'top or bottom': [f'a star {place} left in noto style on white' for place in ('top', 'bottom')],
    'left or right': [f'a star top {place} in noto style on white' for place in ('left', 'right')],
}
TIMESTEPS = [999, 900, 700, 500, 300]
NOISES = 8


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    text, unet = torch_model.load(FOLDER, 'text_encoder'), torch_model.load(FOLDER, 'unet')
    with open(os.path.join(FOLDER, 'tokenizer', 'vocab.json')) as file:
        vocabulary = json.load(file)
    length = text.text_model.embeddings.position_embedding.num_embeddings

    def rows(caption):
        words = [vocabulary[word + '</w>'] for word in caption.split()]
        ids = [vocabulary['<|startoftext|>']] + words
        return text(torch.tensor([(ids + [vocabulary['<|endoftext|>']] * length)[:length]]))

    print('| t | ' + ' | '.join(CAPTIONS) + ' |')
    print('|---|' + '---|' * len(CAPTIONS))
    with torch.no_grad():
        x = torch.randn(NOISES, unet.conv_in.in_channels, 16, 16)
        for t in TIMESTEPS:
            cells = []
            for captions in CAPTIONS.values():
                answers = [unet(x, torch.full((NOISES,), float(t)), rows(c).expand(NOISES, -1, -1)) for c in captions]
                cells.append('%.3f' % torch.stack(answers).std(0).square().mean().sqrt().item())
            print(f'| {t} | ' + ' | '.join(cells) + ' |')


if __name__ == '__main__':
    main()
