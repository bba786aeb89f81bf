"""The three networks of a text-to-image model in plain PyTorch: a peer for tools/bench_train.py and a second opinion.

Classes, attributes (and so the names of the parameters) and arithmetic are those of diffusers 0.27
(UNet2DConditionModel, AutoencoderKL) and transformers 4.36 (CLIPTextModel); the configs are their config.json files.
What the shipped model does not use is refused, not guessed."""
import json
import math
import struct

import numpy
import torch
import torch.nn.functional as F
from torch import nn

DTYPES = {'F64': '<f8', 'F32': '<f4', 'F16': '<f2', 'I64': '<i8', 'I32': '<i4'}


def read_safetensors(path):
    """{name: tensor}; half precision becomes float32."""
    with open(path, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    tensors = {}
    for name, entry in header.items():
        if name != '__metadata__':
            begin, end = entry['data_offsets']
            array = numpy.frombuffer(data[begin:end], DTYPES[entry['dtype']]).reshape(entry['shape'])
            tensors[name] = torch.from_numpy(array.astype('f4') if entry['dtype'] == 'F16' else array.copy())
    return tensors


def require(config, key, *allowed):
    if config.get(key, allowed[0]) not in allowed:
        raise ValueError(f'{key} is {config[key]!r}: this file knows {allowed}')


def merge_heads(x, heads):
    """(B, T, C) to (B heads, T, C / heads)."""
    b, t, c = x.shape
    return x.reshape(b, t, heads, c // heads).permute(0, 2, 1, 3).reshape(b * heads, t, c // heads)


def split_heads(x, heads):
    n, t, d = x.shape
    return x.reshape(n // heads, heads, t, d).permute(0, 2, 1, 3).reshape(n // heads, t, heads * d)


class Attention(nn.Module):
    def __init__(self, channels, context, heads, norm_groups=None):
        super().__init__()
        bias = norm_groups is not None  # as in the autoencoder
        self.heads = heads
        if norm_groups is not None:
            self.group_norm = nn.GroupNorm(norm_groups, channels, eps=1e-6)
        self.to_q = nn.Linear(channels, channels, bias=bias)
        self.to_k = nn.Linear(context, channels, bias=bias)
        self.to_v = nn.Linear(context, channels, bias=bias)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x, context=None):
        context = x if context is None else context
        q, k, v = [merge_heads(y, self.heads) for y in (self.to_q(x), self.to_k(context), self.to_v(context))]
        empty = torch.empty(q.shape[0], q.shape[1], k.shape[1], dtype=q.dtype)
        scores = torch.baddbmm(empty, q, k.transpose(1, 2), beta=0, alpha=1 / math.sqrt(q.shape[2]))
        return self.to_out[0](split_heads(torch.bmm(scores.softmax(-1), v), self.heads))


class GEGLU(nn.Module):
    def __init__(self, channels, inner):
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x):
        x, gate = self.proj(x).chunk(2, -1)
        return x * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.net = nn.ModuleList([GEGLU(channels, 4 * channels), nn.Identity(), nn.Linear(4 * channels, channels)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class BasicTransformerBlock(nn.Module):
    def __init__(self, channels, heads, context):
        super().__init__()
        self.norm1, self.norm2, self.norm3 = [nn.LayerNorm(channels) for _ in range(3)]
        self.attn1, self.attn2 = Attention(channels, channels, heads), Attention(channels, context, heads)
        self.ff = FeedForward(channels)

    def forward(self, x, text):
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), text) + x
        return self.ff(self.norm3(x)) + x


class Transformer2DModel(nn.Module):
    def __init__(self, channels, heads, context, groups):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in, self.proj_out = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([BasicTransformerBlock(channels, heads, context)])

    def forward(self, x, text):
        n, c, height, width = x.shape
        h = self.proj_in(self.norm(x)).permute(0, 2, 3, 1).reshape(n, height * width, c)
        h = self.transformer_blocks[0](h, text)
        return self.proj_out(h.reshape(n, height, width, c).permute(0, 3, 1, 2)) + x


class ResnetBlock2D(nn.Module):
    def __init__(self, fan_in, out, groups, eps, time=None):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, fan_in, eps=eps), nn.Conv2d(fan_in, out, 3, padding=1)
        if time is not None:
            self.time_emb_proj = nn.Linear(time, out)
        self.norm2, self.conv2 = nn.GroupNorm(groups, out, eps=eps), nn.Conv2d(out, out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(fan_in, out, 1) if fan_in != out else None

    def forward(self, x, emb=None):
        h = self.conv1(F.silu(self.norm1(x)))
        if emb is not None:
            h = h + self.time_emb_proj(F.silu(emb))[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return (x if self.conv_shortcut is None else self.conv_shortcut(x)) + h


class Downsample2D(nn.Module):
    """padding 0: one row and column of zeros, below and at the right only."""
    def __init__(self, channels, padding):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=padding)

    def forward(self, x):
        return self.conv(x if self.conv.padding[0] else F.pad(x, (0, 1, 0, 1)))


class Upsample2D(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode='nearest'))


class Block(nn.Module):
    """One level, down or up, or the middle."""
    def __init__(self, resnets, attentions=(), down=None, up=None):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attentions:
            self.attentions = nn.ModuleList(attentions)
        if down is not None:
            self.downsamplers = nn.ModuleList([down])
        if up is not None:
            self.upsamplers = nn.ModuleList([up])

    def attend(self, i, x, text):
        return self.attentions[i](x, text) if hasattr(self, 'attentions') else x


def each_level(value, levels):
    return value if isinstance(value, list) else [value] * levels


class TimestepEmbedding(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.linear_1, self.linear_2 = nn.Linear(channels, width), nn.Linear(width, width)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


class UNet2DConditionModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        for key, *allowed in [('act_fn', 'silu'), ('center_input_sample', False), ('use_linear_projection', False),
                              ('only_cross_attention', False, None), ('dual_cross_attention', False),
                              ('class_embed_type', None), ('addition_embed_type', None), ('time_cond_proj_dim', None),
                              ('encoder_hid_dim', None), ('resnet_time_scale_shift', 'default'),
                              ('mid_block_type', 'UNetMidBlock2DCrossAttn'), ('mid_block_scale_factor', 1),
                              ('transformer_layers_per_block', 1), ('num_attention_heads', None), ('dropout', 0),
                              ('flip_sin_to_cos', True), ('freq_shift', 0)]:
            require(config, key, *allowed)
        channels, groups = config['block_out_channels'], config['norm_num_groups']
        levels, self.first = len(channels), channels[0]
        heads = each_level(config['attention_head_dim'], levels)
        layers = each_level(config['layers_per_block'], levels)
        width, time = config['cross_attention_dim'], config.get('time_embedding_dim') or 4 * channels[0]

        def resnet(fan_in, out):
            return ResnetBlock2D(fan_in, out, groups, config.get('norm_eps', 1e-5), time)

        def attention(level):
            return Transformer2DModel(channels[level], heads[level], width, groups)

        self.conv_in = nn.Conv2d(config['in_channels'], channels[0], 3, padding=1)
        self.time_embedding = TimestepEmbedding(channels[0], time)
        self.down_blocks, self.up_blocks, skips = nn.ModuleList(), nn.ModuleList(), [channels[0]]
        for i, kind in enumerate(config['down_block_types']):
            attends = {'DownBlock2D': False, 'CrossAttnDownBlock2D': True}[kind]
            fan_in = [channels[max(i - 1, 0)]] + [channels[i]] * (layers[i] - 1)
            down = Downsample2D(channels[i], config.get('downsample_padding', 1)) if i < levels - 1 else None
            self.down_blocks.append(Block([resnet(c, channels[i]) for c in fan_in],
                                          [attention(i) for _ in fan_in] if attends else (), down=down))
            skips += [channels[i]] * (layers[i] + (down is not None))
        self.mid_block = Block([resnet(channels[-1], channels[-1]) for _ in range(2)], [attention(levels - 1)])
        here = channels[-1]
        for i, kind in zip(reversed(range(levels)), config['up_block_types']):
            attends = {'UpBlock2D': False, 'CrossAttnUpBlock2D': True}[kind]
            resnets = []
            for _ in range(layers[i] + 1):
                resnets.append(resnet(here + skips.pop(), channels[i]))
                here = channels[i]
            self.up_blocks.append(Block(resnets, [attention(i) for _ in resnets] if attends else (),
                                        up=Upsample2D(here) if i > 0 else None))
        self.conv_norm_out = nn.GroupNorm(groups, channels[0], eps=config.get('norm_eps', 1e-5))
        self.conv_out = nn.Conv2d(channels[0], config['out_channels'], 3, padding=1)

    def embed(self, t, dtype):
        """Cosines, then sines (flip_sin_to_cos)."""
        half = self.first // 2
        angles = t[:, None].to(dtype) * torch.exp(-math.log(10000) / half * torch.arange(half, dtype=dtype))
        return self.time_embedding(torch.cat([angles.cos(), angles.sin()], -1))

    def forward(self, x, t, text):
        emb, x = self.embed(t, x.dtype), self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for i, resnet in enumerate(block.resnets):
                x = block.attend(i, resnet(x, emb), text)
                skips.append(x)
            if hasattr(block, 'downsamplers'):
                x = block.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block.resnets[0](x, emb)
        x = self.mid_block.resnets[1](self.mid_block.attend(0, x, text), emb)
        for block in self.up_blocks:
            for i, resnet in enumerate(block.resnets):
                x = block.attend(i, resnet(torch.cat([x, skips.pop()], 1), emb), text)
            if hasattr(block, 'upsamplers'):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Half(nn.Module):
    """Encoder or decoder of AutoencoderKL: only the order of its parts differs."""
    def __init__(self, config, decoder):
        super().__init__()
        channels, groups, layers = config['block_out_channels'], config['norm_num_groups'], config['layers_per_block']
        latent, last = config['latent_channels'], channels[-1]

        def resnet(fan_in, out):
            return ResnetBlock2D(fan_in, out, groups, 1e-6)

        def level(fan_in, out, end):
            more = dict(up=Upsample2D(out)) if decoder else dict(down=Downsample2D(out, 0))
            return Block([resnet(fan_in, out)] + [resnet(out, out) for _ in range(layers - 1 + decoder)],
                         **({} if end else more))

        order = channels[::-1] if decoder else channels
        self.conv_in = nn.Conv2d(latent if decoder else config['in_channels'], order[0], 3, padding=1)
        blocks = nn.ModuleList([level(order[max(i - 1, 0)], c, i == len(order) - 1) for i, c in enumerate(order)])
        if decoder:
            self.up_blocks = blocks
        else:
            self.down_blocks = blocks
        self.mid_block = Block([resnet(last, last), resnet(last, last)], [Attention(last, last, 1, groups)])
        self.conv_norm_out = nn.GroupNorm(groups, order[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(order[-1], config['out_channels'] if decoder else 2 * latent, 3, padding=1)

    def middle(self, x):
        x = self.mid_block.resnets[0](x)
        n, c, height, width = x.shape
        attention = self.mid_block.attentions[0]
        h = attention(attention.group_norm(x).permute(0, 2, 3, 1).reshape(n, height * width, c))
        return self.mid_block.resnets[1](h.reshape(n, height, width, c).permute(0, 3, 1, 2) + x)

    def forward(self, x):
        x = self.conv_in(x)
        if hasattr(self, 'up_blocks'):
            x = self.middle(x)
        for block in self.up_blocks if hasattr(self, 'up_blocks') else self.down_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            for layer in getattr(block, 'upsamplers', getattr(block, 'downsamplers', ())):
                x = layer(x)
        if hasattr(self, 'down_blocks'):
            x = self.middle(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class AutoencoderKL(nn.Module):
    def __init__(self, config):
        super().__init__()
        for key, allowed in [('act_fn', 'silu'), ('mid_block_add_attention', True), ('use_quant_conv', True),
                             ('use_post_quant_conv', True)]:
            require(config, key, allowed)
        latent = config['latent_channels']
        self.encoder, self.decoder = Half(config, False), Half(config, True)
        self.quant_conv, self.post_quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1), nn.Conv2d(latent, latent, 1)

    def encode(self, x):
        return self.quant_conv(self.encoder(x))

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


class CLIPAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = [nn.Linear(width, width) for _ in range(4)]

    def forward(self, x, mask):
        scale = (x.shape[2] // self.heads) ** -0.5
        q, k, v = [merge_heads(y, self.heads) for y in (self.q_proj(x) * scale, self.k_proj(x), self.v_proj(x))]
        scores = torch.bmm(q, k.transpose(1, 2)) + mask
        return self.out_proj(split_heads(torch.bmm(scores.softmax(-1), v), self.heads))


class CLIPMLP(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))


class CLIPEncoderLayer(nn.Module):
    def __init__(self, width, inner, heads, eps):
        super().__init__()
        self.self_attn, self.mlp = CLIPAttention(width, heads), CLIPMLP(width, inner)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width, eps=eps), nn.LayerNorm(width, eps=eps)

    def forward(self, x, mask):
        x = x + self.self_attn(self.layer_norm1(x), mask)
        return x + self.mlp(self.layer_norm2(x))


class CLIPTextEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.token_embedding = nn.Embedding(config['vocab_size'], config['hidden_size'])
        self.position_embedding = nn.Embedding(config['max_position_embeddings'], config['hidden_size'])

    def forward(self, ids):
        return self.token_embedding(ids) + self.position_embedding(torch.arange(ids.shape[1])[None])


class CLIPTextTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, eps = config['hidden_size'], config.get('layer_norm_eps', 1e-5)
        self.embeddings, self.encoder = CLIPTextEmbeddings(config), nn.Module()
        self.encoder.layers = nn.ModuleList([
            CLIPEncoderLayer(width, config['intermediate_size'], config['num_attention_heads'], eps)
            for _ in range(config['num_hidden_layers'])])
        self.final_layer_norm = nn.LayerNorm(width, eps=eps)

    def forward(self, ids):
        x = self.embeddings(ids)
        mask = torch.full((ids.shape[1], ids.shape[1]), -math.inf, dtype=x.dtype).triu(1)
        for layer in self.encoder.layers:
            x = layer(x, mask)
        return self.final_layer_norm(x)


class CLIPTextModel(nn.Module):
    """Returns last_hidden_state."""
    def __init__(self, config):
        super().__init__()
        require(config, 'hidden_act', 'quick_gelu')
        self.text_model = CLIPTextTransformer(config)

    def forward(self, ids):
        return self.text_model(ids)


PARTS = {'unet': (UNet2DConditionModel, 'diffusion_pytorch_model'), 'vae': (AutoencoderKL, 'diffusion_pytorch_model'),
         'text_encoder': (CLIPTextModel, 'model')}


def load(folder, part, dtype=torch.float32):
    """The part of a model folder; every parameter must be in the file and nothing else."""
    make, name = PARTS[part]
    with open(f'{folder}/{part}/config.json') as file:
        model = make(json.load(file))
    model.load_state_dict(read_safetensors(f'{folder}/{part}/{name}.safetensors'), strict=True)
    return model.to(dtype)
