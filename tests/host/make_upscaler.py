"""Run by the host's interpreter: writes a small real ESRGAN model, x2 or x4, that enlarges smoothly.

usage: make_upscaler.py FILE SCALE
"""

import sys

import torch  # noqa: TID251
from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet

file, scale = sys.argv[1], int(sys.argv[2])
model = RRDBNet(in_nc=3, out_nc=3, num_filters=4, num_blocks=1, scale=scale)
doublings = range(1, scale.bit_length())  # by index in `straight`
smooth = torch.outer(torch.tensor([1.0, 2, 1]), torch.tensor([1.0, 2, 1])) / 16
straight = [c for name, c in model.named_modules() if isinstance(c, torch.nn.Conv2d) and ".sub." not in name]
with torch.no_grad():
    for convolution in model.modules():
        if isinstance(convolution, torch.nn.Conv2d):
            convolution.weight.zero_()
            convolution.bias.zero_()
    # Each channel passes through unchanged; those behind the doublings smooth what they repeat.
    for index, convolution in enumerate(straight):
        for channel in range(3):
            if index in doublings:
                convolution.weight[channel, channel] = smooth
            else:
                convolution.weight[channel, channel, 1, 1] = 1
torch.save(model.state_dict(), file)
