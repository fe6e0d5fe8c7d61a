"""Writes test/golden/video/pictures/files.json: small pictures of every kind, and the RGB that diffusers reads of them.

    pip install torch==2.15.0 diffusers==0.42.1 pillow==13.0.0 numpy==2.4.6
    python tools/golden/pictures.py

The pixels are those of `diffusers.utils.load_image`: PIL's `Image.open`, `exif_transpose` and `convert("RGB")`. Kinds that
PIL does not write are made here chunk by chunk. `differs` says why Adareel does not follow PIL for a kind, and then the
pixels are those that it should read. Two runs write the same bytes.
"""

import base64
import io
import json
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from diffusers.utils import load_image
from PIL import Image, ImageCms

TARGET = Path(__file__).parents[2] / "test/golden/video/pictures/files.json"
WIDTH, HEIGHT = 22, 14
ORIENTATION = 274


def waves(channels: int, seed: int, depth: int = 8) -> np.ndarray:
    generator = np.random.default_rng(seed)
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:channels]
    values = 0.5 + 0.45 * np.sin(x / (3 + c) + seed) * np.cos(y / (4 - c % 3)) + generator.normal(0, 0.03, x.shape)
    return np.clip(values * (2**depth - 1), 0, 2**depth - 1).astype(np.uint16 if depth == 16 else np.uint8)


RGB = Image.fromarray(waves(3, 1))
OTHER = Image.fromarray(waves(3, 2))
RGBA = Image.fromarray(waves(4, 3))
GREY = Image.fromarray(waves(1, 4)[:, :, 0])
GREY_ALPHA = Image.fromarray(waves(2, 5), "LA")
PALETTE = RGB.quantize(16, dither=Image.Dither.NONE)
BILEVEL = GREY.convert("1")


def saved(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif.tobytes()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(bits: int, colour: int, rows: list[bytes], *further: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    chunks = [(b"IHDR", header), *further, (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def deep(channels: int, seed: int) -> list[bytes]:
    return [row.astype(">u2").tobytes() for row in waves(channels, seed, 16)]


def packed(bits: int) -> list[bytes]:
    """Rows of grey values of 2 or 4 bits."""
    values = waves(1, 6)[:, :, 0] >> (8 - bits)
    rows = []
    for row in values:
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        rows.append(int(text, 2).to_bytes(len(text) // 8, "big"))
    return rows


def swapped_profile() -> bytes:
    """A profile of sRGB whose red and green are exchanged, so that whoever applies it exchanges them."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Without the date of its making, which is at bytes 24 to 36.
    profile = profile[:24] + struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + profile[36:]
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")


def without_segment(jpeg: bytes, marker: int) -> bytes:
    at = 2
    while jpeg[at + 1] != 0xDA:
        length = 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if jpeg[at + 1] == marker:
            return jpeg[:at] + jpeg[at + length :]
        at += length
    raise ValueError("the file has no such segment")


def small_first_frame() -> bytes:
    """A GIF whose only frame is smaller than its canvas."""
    gif = bytearray(saved(PALETTE.resize((8, 6)), "GIF"))
    struct.pack_into("<HH", gif, 6, WIDTH, HEIGHT)
    at = gif.index(b"\x2c", 13 + 3 * 2 ** ((gif[10] & 7) + 1))
    struct.pack_into("<HH", gif, at + 1, 5, 3)
    return bytes(gif)


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def kinds() -> dict[str, bytes]:
    turned = {f"PNG of orientation {turn}": saved(RGB, "PNG", exif=oriented(turn)) for turn in range(1, 9)}
    return {
        "PNG": saved(RGB, "PNG"),
        "PNG with alpha": saved(RGBA, "PNG"),
        "PNG, grey": saved(GREY, "PNG"),
        "PNG, grey with alpha": saved(GREY_ALPHA, "PNG"),
        "PNG of 1 bit": saved(BILEVEL, "PNG"),
        "PNG, grey of 2 bits": png(2, 0, packed(2)),
        "PNG, grey of 4 bits": png(4, 0, packed(4)),
        "PNG, grey of 16 bits": png(16, 0, deep(1, 7)),
        "PNG, grey of 16 bits with alpha": png(16, 4, deep(2, 8)),
        "PNG of 16 bits": png(16, 2, deep(3, 9)),
        "PNG of 16 bits with alpha": png(16, 6, deep(4, 10)),
        "PNG with a palette": saved(PALETTE, "PNG"),
        "PNG with a palette and a transparent colour": saved(PALETTE, "PNG", transparency=3),
        "PNG with a palette of transparencies": saved(PALETTE, "PNG", transparency=bytes(range(0, 160, 10))),
        "PNG with a transparent colour": saved(RGB, "PNG", transparency=RGB.getpixel((3, 4))),
        "PNG, grey with a transparent value": saved(GREY, "PNG", transparency=GREY.getpixel((3, 4))),
        "PNG with gamma": png(8, 2, [row.tobytes() for row in waves(3, 11)], (b"gAMA", struct.pack(">I", 100000))),
        "PNG with a colour profile": saved(RGB, "PNG", icc_profile=swapped_profile()),
        "PNG, animated": saved(RGB, "PNG", save_all=True, append_images=[OTHER]),
        **turned,
        "JPEG": saved(RGB, "JPEG", quality=92, subsampling=0),
        "JPEG, 4:2:2": saved(RGB, "JPEG", quality=85, subsampling=1),
        "JPEG, 4:2:0": saved(RGB, "JPEG", quality=85, subsampling=2),
        "JPEG, progressive": saved(RGB, "JPEG", quality=60, progressive=True),
        "JPEG, grey": saved(GREY, "JPEG", quality=80),
        "JPEG of RGB": saved(RGB, "JPEG", quality=90, keep_rgb=True),
        "JPEG, CMYK": saved(RGB.convert("CMYK"), "JPEG", quality=90),
        "JPEG, CMYK, not by Adobe": without_segment(saved(RGB.convert("CMYK"), "JPEG", quality=90), 0xEE),
        "JPEG of orientation 6": saved(RGB, "JPEG", quality=90, exif=oriented(6)),
        "JPEG of orientation 6 in XMP": saved(RGB, "JPEG", quality=90, xmp=XMP),
        "JPEG with a colour profile": saved(RGB, "JPEG", quality=90, icc_profile=swapped_profile()),
        "GIF": saved(PALETTE, "GIF"),
        "GIF, interlaced": saved(PALETTE, "GIF", interlace=1),
        "GIF with a transparent colour": saved(PALETTE, "GIF", transparency=5),
        "GIF, animated": saved(PALETTE, "GIF", save_all=True, append_images=[OTHER.quantize(16)]),
        "GIF with a small first frame": small_first_frame(),
        "WebP": saved(RGB, "WEBP", quality=80),
        "WebP, lossless": saved(RGB, "WEBP", lossless=True),
        "WebP, lossless with alpha": saved(RGBA, "WEBP", lossless=True, exact=True),
        "WebP with alpha": saved(RGBA, "WEBP", quality=80),
        "WebP, animated": saved(RGB, "WEBP", save_all=True, append_images=[OTHER], lossless=True),
        "WebP of orientation 8": saved(RGB, "WEBP", lossless=True, exif=oriented(8)),
        "TIFF": saved(RGB, "TIFF"),
        "TIFF, LZW": saved(RGB, "TIFF", compression="tiff_lzw"),
        "TIFF, CMYK": saved(RGB.convert("CMYK"), "TIFF", compression="tiff_adobe_deflate"),
        "TIFF of orientation 3": saved(RGB, "TIFF", tiffinfo={ORIENTATION: 3}),
        "AVIF": saved(RGB, "AVIF", quality=90, subsampling="4:4:4"),
        "AVIF of orientation 6": saved(RGB, "AVIF", quality=90, subsampling="4:4:4", exif=oriented(6)),
        "AVIF, 4:2:0": saved(RGB, "AVIF", quality=80, subsampling="4:2:0"),
    }  # fmt: skip


def read(file: bytes) -> np.ndarray:
    with tempfile.NamedTemporaryFile() as stored:
        stored.write(file)
        stored.flush()
        return np.asarray(load_image(stored.name))


def main() -> None:
    lines = []
    for kind, file in kinds().items():
        rgb = read(file)
        case = {"kind": kind, "width": rgb.shape[1], "height": rgb.shape[0]}
        if kind == "PNG, grey of 16 bits":
            case["differs"] = "PIL makes every value above 255 white; the upper byte is what the other kinds of 16 bits give"
            assert (rgb == 255).mean() > 0.9
            rgb = np.repeat((waves(1, 7, 16) >> 8).astype(np.uint8), 3, axis=2)
        encoded = {"file": base64.b64encode(file).decode(), "rgb": base64.b64encode(rgb.tobytes()).decode()}
        lines.append(json.dumps(case | encoded))
    TARGET.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
