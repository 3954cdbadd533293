"""Data sets: .npz, .npy, folders of images, arrays, iterables -> batches that a model takes."""

from __future__ import annotations

import os
import pathlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ._arrays import Port, array_of
from ._errors import FileError, InvalidArgument, InvalidData, MissingFile

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
DEFAULT_BATCH = 16


class Images:
    """How image files become an input: converted to its channels (1, 3 or 4), resized (bilinear), then
    (pixels * scale - mean) / std in float32, laid out as the input wants it; an input of uint8 gets the pixels as they are.

    Args:
        size: pixels, (height, width) or one number for both; None: the model's own.
        mean, std: one number, or one for each channel.
        layout: "NCHW" or "NHWC"; None: by the model's input.
        scale: of pixels 0..255; None: 1/255 where mean or std are given and all are at most 1, else 1.

    Raises `octavo.Error` with code INVALID_ARGUMENT for what does not fit the input, IO for a file that cannot be read.
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        layout: str | None = None,
        scale: float | None = None,
    ):
        if layout is not None and layout.upper() not in ("NCHW", "NHWC"):
            raise InvalidArgument(f"layout is {layout!r}, not NCHW or NHWC")
        self.size = (size, size) if isinstance(size, int) else size
        self.mean = np.atleast_1d(np.asarray(mean, np.float32))
        self.std = np.atleast_1d(np.asarray(std, np.float32))
        if not (np.isfinite(self.mean).all() and np.isfinite(self.std).all() and (self.std != 0).all()):
            raise InvalidArgument("mean and std must be finite, and std not 0")
        self.layout = layout.upper() if layout else None
        given = np.any(self.mean != 0) or np.any(self.std != 1)
        small = np.all(np.abs(self.mean) <= 1) and np.all(self.std <= 1)
        self.scale = np.float32(scale if scale is not None else 1 / 255 if given and small else 1)

    def geometry(self, port: Port) -> tuple[int, int, int, str]:
        """(height, width, channels, layout) by the options and the model's input."""
        shape = port.shape
        if shape is None or len(shape) != 4:
            raise InvalidArgument(f"input '{port.name}' does not take images: it is {port}")
        layout = self.layout
        if layout is None:
            layout = "NHWC" if shape[3] in (1, 3) and shape[1] not in (1, 3) else "NCHW"
        channels = shape[1] if layout == "NCHW" else shape[3]
        height, width = (shape[2], shape[3]) if layout == "NCHW" else (shape[1], shape[2])
        if self.size:
            height, width = self.size
        if height is None or width is None:
            raise InvalidArgument(f"input '{port.name}' leaves the image size open: say --size HxW")
        return height, width, 3 if channels is None else channels, layout

    def read(self, path: pathlib.Path, port: Port) -> np.ndarray:
        """One sample: float32 or uint8, [channels, height, width] or [height, width, channels] by the layout."""
        try:
            from PIL import Image
        except ImportError:
            raise InvalidArgument("reading images needs Pillow: pip install pillow") from None
        height, width, channels, layout = self.geometry(port)
        if channels not in (1, 3, 4):
            raise InvalidArgument(f"input '{port.name}' has {channels} channels; images have 1, 3 or 4")
        for what, values in (("mean", self.mean), ("std", self.std)):
            if values.ndim != 1 or len(values) not in (1, channels):
                raise InvalidArgument(f"{what} has {values.size} values, the images have {channels} channels")
        try:
            with Image.open(path) as file:
                image = file.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])
                if image.size != (width, height):
                    image = image.resize((width, height), Image.Resampling.BILINEAR)
                pixels = np.asarray(image)
        except OSError as e:
            raise FileError(f"{path}: {e}") from e
        pixels = pixels.reshape(height, width, channels)
        if port.dtype != "uint8":
            pixels = (pixels.astype(np.float32) * self.scale - self.mean) / self.std
        if layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels)


class Dataset:
    """Samples for a model's inputs, in batches. `arrays[i]` belongs to input i; the first axis counts samples."""

    def __init__(self, ports: Sequence[Port], arrays: Sequence[Any], extra: Mapping[str, np.ndarray] | None = None):
        self.ports = ports
        self.arrays = list(arrays)
        self.extra = dict(extra or {})
        lengths = {p.name: len(a) for p, a in zip(ports, self.arrays)}
        if len(set(lengths.values())) > 1:
            raise InvalidData(f"the inputs have different numbers of samples: {lengths}")
        self.samples = next(iter(lengths.values()), 0)
        # A sample either is one row of a batch, or a whole input.
        self.whole = any(
            p.shape is not None and len(np.shape(a[0])) == len(p.shape) for p, a in zip(ports, self.arrays) if len(a)
        )

    def batch_size(self, wanted: int | None = None) -> int:
        """The model's own, where it is fixed."""
        if self.whole:
            return 1
        fixed = {p.shape[0] for p in self.ports if p.shape and p.shape[0] is not None}
        if len(fixed) == 1:
            return max(1, next(iter(fixed)))
        return max(1, min(wanted or DEFAULT_BATCH, max(1, self.samples)))

    def batches(self, wanted: int | None = None, pad: bool = False) -> Iterator[dict[str, np.ndarray]]:
        """Dicts of arrays. Where the model's batch size is fixed and the last batch is short, it is filled up with its last
        sample (`pad`) or left out."""
        size = self.batch_size(wanted)
        fixed = not self.whole and any(p.shape and p.shape[0] is not None for p in self.ports)
        for begin in range(0, self.samples, size):
            if self.whole:
                yield {p.name: np.asarray(a[begin]) for p, a in zip(self.ports, self.arrays)}
                continue
            rows = {p.name: np.asarray(a[begin : begin + size]) for p, a in zip(self.ports, self.arrays)}
            short = size - min(len(r) for r in rows.values())
            if short and fixed:
                if not pad and begin > 0:
                    return
                rows = {n: np.concatenate([r, np.repeat(r[-1:], short, 0)]) for n, r in rows.items()}
            yield rows

    def count(self, wanted: int | None = None) -> int:
        size = self.batch_size(wanted)
        return -(-self.samples // size)


class _ImageList(Sequence):
    """Image files, read when they are asked for."""

    def __init__(self, paths: list[pathlib.Path], images: Images, port: Port):
        self.paths, self.images, self.port = paths, images, port

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i):
        if isinstance(i, slice):
            return np.stack([self.images.read(p, self.port) for p in self.paths[i]])
        return self.images.read(self.paths[i], self.port)


def _fits(array: np.ndarray, port: Port) -> bool:
    if array.dtype.kind not in "biuf":
        return False
    if port.shape is None:
        return True

    def agree(have: tuple[int, ...], want: tuple[int | None, ...]) -> bool:
        return len(have) == len(want) and all(w is None or h == w for h, w in zip(have, want))

    return agree(array.shape[1:], port.shape[1:]) or agree(array.shape[1:], port.shape)


def _of_arrays(named: Mapping[str, np.ndarray], ports: Sequence[Port], where: str, labels: str | None) -> Dataset:
    extra = {name: a for name, a in named.items() if name == labels}
    if labels is not None and labels not in named:
        raise InvalidData(f"{where}: no array '{labels}' with the labels; there are: {', '.join(named) or 'none'}")
    if labels is not None and named[labels].dtype.kind not in "biu":
        raise InvalidData(f"{where}: labels are indices of classes, '{labels}' is {named[labels].dtype}")
    rest = {name: a for name, a in named.items() if name != labels}
    arrays = []
    for port in ports:
        if port.name in rest:
            arrays.append(rest[port.name])
        elif len(ports) == 1:
            # Any name will do, as long as there is no doubt.
            fitting = [name for name, a in rest.items() if _fits(a, port)]
            if len(rest) == 1:
                arrays.append(next(iter(rest.values())))
            elif len(fitting) == 1:
                arrays.append(rest[fitting[0]])
            else:
                raise InvalidData(
                    f"{where}: which array is for input {port}? Name it '{port.name}'; "
                    f"there are: {', '.join(f'{n} {a.dtype}{list(a.shape)}' for n, a in rest.items()) or 'none'}"
                )
        else:
            raise InvalidData(f"{where}: no array for input '{port.name}'; there are: {', '.join(rest) or 'none'}")
        if arrays[-1].ndim == 0:
            raise InvalidData(f"{where}: the array for input '{port.name}' has no axis of samples")
    return Dataset(ports, arrays, extra)


def save_npz(path: pathlib.Path, arrays: Mapping[str, np.ndarray]) -> None:
    """As numpy.savez, whatever the arrays are called."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(name + ".npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def is_path(data: Any) -> bool:
    return isinstance(data, (str, os.PathLike))


def open_dataset(
    data: Any, ports: Sequence[Port], images: Images | None = None, labels: str | None = None
) -> Dataset | None:
    """A data set of a path or of whole arrays; None for anything else (an iterable of batches)."""
    if is_path(data):
        path = pathlib.Path(data)
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGES and p.is_file())
            if not files:
                raise InvalidData(f"{path}: no images in this folder ({', '.join(IMAGES)})")
            if len(ports) != 1:
                raise InvalidData(f"{path}: a folder of images serves models with one input, this one has {len(ports)}")
            extra = {}
            if labels is not None:
                # As torchvision's ImageFolder has it: one subfolder a class, in the order of their names.
                classes = sorted({p.parent.name for p in files})
                extra[labels] = np.array([classes.index(p.parent.name) for p in files])
            return Dataset(ports, [_ImageList(files, images or Images(), ports[0])], extra)
        try:
            with open(path, "rb") as file:
                loaded = np.load(file, allow_pickle=False)
                named = {"": loaded} if isinstance(loaded, np.ndarray) else {n: loaded[n] for n in loaded.files}
        except FileNotFoundError:
            raise MissingFile(f"{path}: no such file") from None
        except OSError as e:
            raise FileError(f"{path}: {e.strerror or e}") from e
        except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as e:
            raise InvalidData(f"{path}: not an .npz or .npy file of plain arrays") from e
        return _of_arrays(named, ports, str(path), labels)
    if hasattr(data, "files") and hasattr(data, "zip"):  # numpy.load's
        return _of_arrays({name: data[name] for name in data.files}, ports, "the archive", labels)
    if isinstance(data, Mapping):
        return _of_arrays({str(k): array_of(v) for k, v in data.items()}, ports, "the dict", labels)
    if not isinstance(data, (list, tuple)) and (
        hasattr(data, "__array_interface__") or hasattr(data, "__array__") or hasattr(data, "__dlpack__")
    ):
        array = array_of(data)
        if array.ndim == 0:
            raise InvalidArgument("the data is a single number")
        return _of_arrays({"": array}, ports, "the array", labels)
    return None


def batches_of(
    data: Any, ports: Sequence[Port], batch_size: int | None = None, images: Images | None = None
) -> tuple[Iterator[Any], int | None]:
    """(iterator over batches, how many or None)"""
    dataset = open_dataset(data, ports, images)
    if dataset is not None:
        return dataset.batches(batch_size), dataset.count(batch_size)
    try:
        count = len(data)
    except TypeError:
        count = None
    try:
        return iter(data), count
    except TypeError:
        raise InvalidArgument(
            "data is a path (.npz, .npy, a folder of images), an array whose first axis counts samples, or an iterable "
            f"of batches, not {type(data).__name__}"
        ) from None
