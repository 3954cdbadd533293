#!/usr/bin/env python3
"""Trains the network of the demo and writes digits.onnx, digits.npz, digits_calibration.npz and digits.bin.

The four files are committed, so nobody needs to run this to see the demo; it is here to show where they come from.

    pip install torch scikit-learn pillow onnx onnxruntime
    python train_digits.py

Data: the 1797 handwritten digits of scikit-learn, 8x8 pixels in 17 shades of gray, enlarged to 16x16 so that the
network has something to convolve. The split is stratified and fixed: 1000 images train; 200 calibrate, and show while
training how it goes; 597 are held out and decide nothing.
"""

import argparse
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F

SEED = 8
SIZE = 16
EPOCHS = 60
BATCH = 50
TRAIN, CALIBRATION, HELD_OUT = 1000, 200, 597


# --- Data -------------------------------------------------------------------------------------------------------------


def enlarge(image):
    """An 8x8 digit with values 0..16 as SIZE x SIZE uint8 pixels 0..255."""
    gray = Image.fromarray(np.round(image * (255 / 16)).astype(np.uint8))
    return np.asarray(gray.resize((SIZE, SIZE), Image.BILINEAR))


def load_split():
    """{"train" | "calibration" | "held_out": (images uint8 [N, 1, SIZE, SIZE], labels uint8 [N])}"""
    digits = load_digits()
    images = np.stack([enlarge(image) for image in digits.images])[:, None]
    labels = digits.target.astype(np.uint8)

    rest, held_out = train_test_split(np.arange(len(labels)), test_size=HELD_OUT, stratify=labels, random_state=SEED)
    train, calibration = train_test_split(
        rest, train_size=TRAIN, test_size=CALIBRATION, stratify=labels[rest], random_state=SEED
    )
    chosen = {"train": train, "calibration": calibration, "held_out": held_out}
    return {name: (images[index], labels[index]) for name, index in chosen.items()}


# --- Network ----------------------------------------------------------------------------------------------------------


class Conv(nn.Module):
    """Convolution without bias, batch norm, activation: the three that quantization folds into one."""

    def __init__(self, inputs, outputs, size=3, stride=1, groups=1, activation=nn.Identity):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.act = activation()

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class Residual(nn.Module):
    """Two dense convolutions and a shortcut, as in ResNet; the ReLU comes after the addition."""

    def __init__(self, channels):
        super().__init__()
        self.first = Conv(channels, channels, activation=nn.ReLU)
        self.second = Conv(channels, channels)

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, as in MobileNet v1."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.depthwise = Conv(inputs, inputs, stride=stride, groups=inputs, activation=nn.ReLU6)
        self.pointwise = Conv(inputs, outputs, size=1, activation=nn.ReLU6)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class InvertedResidual(nn.Module):
    """Widen, filter, narrow, and a shortcut between the narrow ends, as in MobileNet v3."""

    def __init__(self, channels, wide):
        super().__init__()
        self.widen = Conv(channels, wide, size=1, activation=nn.Hardswish)
        self.depthwise = Conv(wide, wide, groups=wide, activation=nn.Hardswish)
        self.narrow = Conv(wide, channels, size=1)

    def forward(self, x):
        return x + self.narrow(self.depthwise(self.widen(x)))


class DigitNet(nn.Module):
    """Pixels 0..255 in, ten scores out: about 240 000 weights, 17 million multiplications an image."""

    def __init__(self):
        super().__init__()
        self.stem = Conv(1, 32, activation=nn.ReLU6)
        self.block1 = Residual(32)
        self.block2 = Separable(32, 96, stride=2)
        self.block3 = Residual(96)
        self.block4 = Separable(96, 112, stride=2)
        self.block5 = InvertedResidual(112, 168)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(112, 10)

    def forward(self, x):
        x = self.stem(x)
        x = self.block2(self.block1(x))
        x = self.block4(self.block3(x))
        return self.head(torch.flatten(self.pool(self.block5(x)), 1))


# --- Training ---------------------------------------------------------------------------------------------------------


def distort(images):
    """Each image turned by up to 12 degrees, scaled by up to 10 % and moved by up to a pixel and a half."""
    count = len(images)
    angle = (torch.rand(count) * 2 - 1) * (12 * np.pi / 180)
    scale = 1 + (torch.rand(count) * 2 - 1) * 0.1
    move = (torch.rand(count, 2) * 2 - 1) * (3 / SIZE)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    matrix = torch.stack([torch.stack([cos, -sin, move[:, 0]], 1), torch.stack([sin, cos, move[:, 1]], 1)], 1)
    return F.grid_sample(images, F.affine_grid(matrix, images.shape, align_corners=False), align_corners=False)


def accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        return (net(images).argmax(1) == labels).float().mean().item() * 100


def tensors(split):
    images, labels = split
    return torch.from_numpy(images).float() / 255, torch.from_numpy(labels).long()


def train(data):
    torch.manual_seed(SEED)
    images, labels = tensors(data["train"])
    net = DigitNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    steps = EPOCHS * len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)

    for epoch in range(1, EPOCHS + 1):
        net.train()
        for index in torch.randperm(len(images)).split(BATCH):
            loss = F.cross_entropy(net(distort(images[index])), labels[index], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch % 10 == 0:
            print(
                f"epoch {epoch:3}  loss {loss:.3f}  calibration set {accuracy(net, *tensors(data['calibration'])):.1f} %"
            )

    print(f"held-out accuracy {accuracy(net, *tensors(data['held_out'])):.2f} %")
    return net


# --- Output -----------------------------------------------------------------------------------------------------------


def export(net, path):
    """ONNX with batch norms left as nodes (PRESERVE: the exporter would fold them) and a free batch axis."""
    with torch.no_grad():
        net.stem.conv.weight /= 255  # the file's network takes pixels as they are
    net.eval()
    torch.onnx.export(
        net,
        torch.zeros(1, 1, SIZE, SIZE),
        str(path),
        opset_version=17,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
        input_names=["image"],
        output_names=["scores"],
        dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}},
    )


def write_data(data, folder):
    for name, split in [("digits.npz", "held_out"), ("digits_calibration.npz", "calibration")]:
        images, labels = data[split]
        np.savez_compressed(folder / name, image=images, y=labels)
    # For programs without an .npz reader: 100 calibration, then 100 held-out records of one label byte and 256 pixels.
    with open(folder / "digits.bin", "wb") as file:
        for split in ("calibration", "held_out"):
            for image, label in list(zip(*data[split]))[:100]:
                file.write(bytes([label]) + image.tobytes())


def check(path, data):
    """What was written is what was trained: a valid model that ONNX Runtime scores the same."""
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    operators = [node.op_type for node in model.graph.node]
    print({op: operators.count(op) for op in sorted(set(operators))})

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    images, labels = data["held_out"]
    (scores,) = session.run(None, {"image": images.astype(np.float32)})
    print(
        f"{path.name}: {path.stat().st_size} bytes, {(scores.argmax(1) == labels).mean() * 100:.2f} % in ONNX Runtime"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent, help="folder for the files")
    folder = parser.parse_args().out
    torch.set_num_threads(1)  # a sum split over threads rounds differently on every machine

    data = load_split()
    net = train(data)
    write_data(data, folder)
    export(net, folder / "digits.onnx")
    check(folder / "digits.onnx", data)


if __name__ == "__main__":
    main()
