"""The original networks as their papers have them, straight from their tensors by name: what twins are held against.

Nothing here knows a twin's names: blocks are walked by number, and what a block is shows in the tensors that it has.
"""

import math

import torch
import torch.nn.functional as F


class Original:
    def __init__(self, tensors):
        self.tensors = tensors

    def has(self, name):
        return f"{name}.weight" in self.tensors

    def norm(self, name, x, eps):
        return F.group_norm(x, 32, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"], eps)

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def linear(self, name, x):
        return F.linear(x, self.tensors[f"{name}.weight"], self.tensors.get(f"{name}.bias"))

    def conv(self, name, x, **options):
        weight = self.tensors[f"{name}.weight"]
        options.setdefault("padding", weight.shape[-1] // 2)
        return F.conv2d(x, weight, self.tensors[f"{name}.bias"], **options)


def sinusoids(numbers, width):
    """Cosines, then sines, of frequencies 1 ... 1/10000."""
    frequencies = torch.exp(-math.log(10000) * torch.arange(width // 2) / (width // 2))
    angles = numbers[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class OriginalUNet(Original):
    """ldm's UNetModel. `heads(channels)` is the number of attention heads at a width."""

    def __init__(self, tensors, heads):
        super().__init__(tensors)
        self.heads = heads

    def __call__(self, x, timesteps, context, vector=None):
        emb = sinusoids(timesteps, self.tensors["input_blocks.0.0.weight"].shape[0])
        emb = self.linear("time_embed.2", F.silu(self.linear("time_embed.0", emb)))
        if vector is not None:
            emb = emb + self.linear("label_emb.0.2", F.silu(self.linear("label_emb.0.0", vector)))
        remembered = []
        for number in range(self.count("input_blocks")):
            x = self.block(f"input_blocks.{number}", x, emb, context)
            remembered.append(x)
        x = self.block("middle_block", x, emb, context)
        for number in range(self.count("output_blocks")):
            x = self.block(f"output_blocks.{number}", torch.cat([x, remembered.pop()], dim=1), emb, context)
        return self.conv("out.2", F.silu(self.norm("out.0", x, 1e-5)))

    def count(self, kind):
        return 1 + max(int(name.split(".")[1]) for name in self.tensors if name.startswith(kind))

    def block(self, name, x, emb, context):
        for layer in (f"{name}.{i}" for i in range(3)):
            if self.has(f"{layer}.in_layers.0"):
                x = self.resnet(layer, x, emb)
            elif self.has(f"{layer}.proj_in"):
                x = self.transformer(layer, x, context)
            elif self.has(f"{layer}.op"):
                x = self.conv(f"{layer}.op", x, stride=2)
            elif self.has(f"{layer}.conv"):
                x = self.conv(f"{layer}.conv", F.interpolate(x, scale_factor=2.0, mode="nearest"))
            elif self.has(layer):
                x = self.conv(layer, x)
        return x

    def resnet(self, name, x, emb):
        h = self.conv(f"{name}.in_layers.2", F.silu(self.norm(f"{name}.in_layers.0", x, 1e-5)))
        h = h + self.linear(f"{name}.emb_layers.1", F.silu(emb))[:, :, None, None]
        h = self.conv(f"{name}.out_layers.3", F.silu(self.norm(f"{name}.out_layers.0", h, 1e-5)))
        return h + (self.conv(f"{name}.skip_connection", x) if self.has(f"{name}.skip_connection") else x)

    def transformer(self, name, x, context):
        n, channels, height, width = x.shape
        h = self.norm(f"{name}.norm", x, 1e-6).flatten(2).transpose(1, 2)
        h = self.projection(f"{name}.proj_in", h)
        depth = 0
        while self.has(block := f"{name}.transformer_blocks.{depth}.norm1"):
            h = self.transformer_block(block.removesuffix(".norm1"), h, context)
            depth += 1
        return x + self.projection(f"{name}.proj_out", h).transpose(1, 2).reshape(n, channels, height, width)

    def projection(self, name, x):
        return F.linear(x, self.tensors[f"{name}.weight"].flatten(1), self.tensors[f"{name}.bias"])

    def transformer_block(self, name, x, context):
        h = self.layer_norm(f"{name}.norm1", x)
        x = x + self.attention(f"{name}.attn1", h, h)
        x = x + self.attention(f"{name}.attn2", self.layer_norm(f"{name}.norm2", x), context)
        value, gate = self.linear(f"{name}.ff.net.0.proj", self.layer_norm(f"{name}.norm3", x)).chunk(2, dim=-1)
        return x + self.linear(f"{name}.ff.net.2", value * F.gelu(gate))

    def attention(self, name, x, context):
        sources = {"q": x, "k": context, "v": context}
        parts = [self.linear(f"{name}.to_{letter}", source) for letter, source in sources.items()]
        return self.linear(f"{name}.to_out.0", attend(*parts, heads=self.heads(x.shape[-1])))


def attend(q, k, v, heads, mask=0.0):
    """Softmax attention over (n, tokens, width)."""
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (q, k, v))
    weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask).softmax(dim=-1)
    return (weights @ v).transpose(1, 2).flatten(2)


class OriginalVAE(Original):
    """ldm's AutoencoderKL with an attention in the middle only."""

    def encode(self, x):
        """The mean of the latents' distribution."""
        x = self.conv("encoder.conv_in", x)
        for level in range(4):
            for i in range(2):
                x = self.resnet(f"encoder.down.{level}.block.{i}", x)
            if self.has(down := f"encoder.down.{level}.downsample.conv"):
                x = self.conv(down, F.pad(x, (0, 1, 0, 1)), stride=2, padding=0)
        x = self.end("encoder", self.middle("encoder", x))
        return self.conv("quant_conv", x).chunk(2, dim=1)[0]

    def decode(self, latents):
        x = self.middle("decoder", self.conv("decoder.conv_in", self.conv("post_quant_conv", latents)))
        for level in (3, 2, 1, 0):
            for i in range(3):
                x = self.resnet(f"decoder.up.{level}.block.{i}", x)
            if self.has(up := f"decoder.up.{level}.upsample.conv"):
                x = self.conv(up, F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return self.end("decoder", x)

    def middle(self, side, x):
        x = self.resnet(f"{side}.mid.block_1", x)
        h = self.norm(f"{side}.mid.attn_1.norm", x, 1e-6)
        parts = (self.conv(f"{side}.mid.attn_1.{letter}", h).flatten(2).transpose(1, 2) for letter in "qkv")
        h = attend(*parts, heads=1).transpose(1, 2).reshape(x.shape)
        return self.resnet(f"{side}.mid.block_2", x + self.conv(f"{side}.mid.attn_1.proj_out", h))

    def end(self, side, x):
        return self.conv(f"{side}.conv_out", F.silu(self.norm(f"{side}.norm_out", x, 1e-6)))

    def resnet(self, name, x):
        h = self.conv(f"{name}.conv1", F.silu(self.norm(f"{name}.norm1", x, 1e-6)))
        h = self.conv(f"{name}.conv2", F.silu(self.norm(f"{name}.norm2", h, 1e-6)))
        return h + (self.conv(f"{name}.nin_shortcut", x) if self.has(f"{name}.nin_shortcut") else x)


class OriginalOpenCLIP(Original):
    """open_clip's text transformer."""

    def __call__(self, ids, heads):
        """States after every layer but the last, and the projected state of the end token (the highest number)."""
        x = self.tensors["token_embedding.weight"][ids] + self.tensors["positional_embedding"]
        mask = torch.full((ids.shape[1],) * 2, -torch.inf).triu(1)
        layer, states = 0, []
        while self.has(f"transformer.resblocks.{layer}.ln_1"):
            states.append(x)
            x = self.layer(f"transformer.resblocks.{layer}", x, heads, mask)
            layer += 1
        last = self.layer_norm("ln_final", x)[torch.arange(len(ids)), ids.argmax(dim=-1)]
        return states, last @ self.tensors["text_projection"]

    def layer(self, name, x, heads, mask):
        packed = [self.tensors[f"{name}.attn.in_proj_{kind}"] for kind in ("weight", "bias")]
        h = F.linear(self.layer_norm(f"{name}.ln_1", x), *packed)
        x = x + self.linear(f"{name}.attn.out_proj", attend(*h.chunk(3, dim=-1), heads=heads, mask=mask))
        h = F.gelu(self.linear(f"{name}.mlp.c_fc", self.layer_norm(f"{name}.ln_2", x)))
        return x + self.linear(f"{name}.mlp.c_proj", h)
