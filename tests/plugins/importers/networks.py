"""Small networks of PyTorch, one for each way of doing things that real ones have."""

from __future__ import annotations

import torch  # noqa: TID253
from torch import nn  # noqa: TID253
from torch.nn import functional as F  # noqa: TID253

SIZE = (20, 18, 3)
"""Height, width and channels: no two alike, so that a mixed-up axis shows."""


class Residual(nn.Module):
    """Symmetric pads at stride 2, ReLU used twice, a shortcut, squeeze and excitation."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8, eps=1e-3, momentum=0.01)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.squeeze = nn.Conv2d(8, 4, 1)
        self.excite = nn.Conv2d(4, 8, 1)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.relu(self.norm(self.stem(x)))
        y = self.relu(self.conv(x))
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))))
        x = x + y * gate
        return self.fc(self.drop(x.mean((2, 3))))


class Flattened(nn.Module):
    """A picture in one row, through everything that may follow before a matrix does."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.ReLU6(), nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2, 2)
        )
        self.norm = nn.BatchNorm1d(6 * 4 * 4)
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(96, 10), nn.LeakyReLU(0.2), nn.Linear(10, 4)
        )

    def forward(self, x):
        return self.classifier(F.silu(self.norm(torch.flatten(self.features(x), 1))))


class Shuffled(nn.Module):
    """Channels divided, shuffled and put together again; a depthwise convolution; pads first."""

    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(6, 12, 3, groups=6, padding=1)
        self.stem = nn.Conv2d(3, 12, 3, stride=2)
        self.grouped = nn.Conv2d(18, 8, 3, groups=2, padding=(0, 1))
        self.head = nn.Conv2d(8, 7, 1)

    def forward(self, x):
        x = F.hardswish(self.stem(F.pad(x, (0, 1, 0, 1))))
        a, b = x.chunk(2, dim=1)
        x = torch.cat((self.left(a), b), dim=1)
        batch, channels, height, width = x.shape
        x = x.view(batch, 3, channels // 3, height, width).transpose(1, 2)
        x = x.reshape(batch, channels, height, width)
        x = F.gelu(self.grouped(x), approximate="tanh")
        x = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=True)
        return torch.flatten(F.adaptive_avg_pool2d(self.head(x), (1, 1)), 1)


class ChannelsLast(nn.Module):
    """Normalised and multiplied with channels last, scaled a channel, as ConvNeXt does it."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 2, stride=2)
        self.norm = nn.LayerNorm(8, eps=1e-6)
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 8)
        self.scale = nn.Parameter(torch.full((8, 1, 1), 0.5))
        self.group = nn.GroupNorm(2, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.patches(x)
        y = self.norm(x.permute(0, 2, 3, 1))
        y = self.down(F.gelu(self.up(y))).permute(0, 3, 1, 2)
        x = self.group(x + self.scale * y)
        return self.head((2 * x - 1).flatten(2).mean(-1) / 3)


class Standardised(nn.Module):
    """A kernel that is standardised before it is used, and layers that have no part."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))
        self.auxiliary = nn.Linear(4, 9)
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        kernel = (self.weight - self.weight.mean((1, 2, 3), keepdim=True)) * 0.3
        x = F.conv2d(x, kernel, padding="same")
        return self.fc(F.adaptive_max_pool2d(torch.tanh(x), 1).flatten(1))


COVERED = (Residual, Flattened, Shuffled, ChannelsLast, Standardised)


class Tied(nn.Module):
    """One layer in two places."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(self.conv(F.relu(self.conv(x))).mean((2, 3)))


class Folding(nn.Module):
    """Makes a batch of parts of each picture."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(18, 2)

    def forward(self, x):
        return self.fc(x.reshape(-1, 18)).view(x.shape[0], -1)


class Sorting(nn.Module):
    """Puts values in an order of their own."""

    def forward(self, x):
        return x.flatten(1).sort(1)[0]


class Deciding(nn.Module):
    """Does one thing or another, by the values."""

    def forward(self, x):
        return x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3))


def lively(module, seed=0):
    """Give every weight and running statistic a value of its own, so that none can be mixed up."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1, generator=generator)
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5, generator=generator)
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(noise * 0.1)
    return module.eval()
