"""A phone's camera that films what a test lays before it: Chromium plays a Y4M file as a camera.

A frame is a label as printed, seen from somewhere: turned, tilted, blurred, dim. Chromium opens
the file anew at each start of the camera, so a film may be changed between two pages, or while the
camera rests.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from labels.codes import CodeRead, Symbol, module_matrix, rasters, read_back

WIDTH, HEIGHT, FRAMES_A_SECOND = 1280, 720, 15
DPI = 203
_TABLE = 150
_MM_PER_INCH = 25.4
Matrix = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Paper:
    """Something printed, one pixel a printer dot, and the dot that a person points at."""

    dots: Image.Image
    middle: tuple[float, float]


@dataclass(frozen=True)
class View:
    """How a paper is seen. Degrees; `right_px` and `down_px` move its middle out of the frame's."""

    px_a_mm: float = 8.5
    turned: float = 6
    tilted: float = 8
    right_px: float = 0
    down_px: float = 0
    blur_px: float = 0.6
    light: float = 1.0
    contrast: float = 0.9
    noise: float = 0


NEAR = View()
HARD = View(px_a_mm=8, turned=33, tilted=24, blur_px=1.1, light=0.55, contrast=0.55, noise=9)


class Camera:
    """The film that plays in a browser started with `flags`."""

    def __init__(self, film: Path) -> None:
        self._film = film
        self.shows([blank()])

    @property
    def flags(self) -> list[str]:
        """For Chromium's command line."""
        return [
            f"--use-fake-device-for-media-stream=fps={FRAMES_A_SECOND}",
            f"--use-file-for-fake-video-capture={self._film}",
        ]

    def shows(self, frames: Sequence[Image.Image]) -> None:
        """Play these frames over and over from the next start of the camera on.

        At each new beginning Chromium plays the first frame twice.
        """
        written = self._film.with_suffix(".new")
        with written.open("wb") as film:
            head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAMES_A_SECOND}:1 Ip A1:1 C420mpeg2\n"
            film.write(head.encode())
            grey = bytes([128]) * (WIDTH * HEIGHT // 2)
            for frame in frames:
                shades = frame.convert("L").point(lambda shade: 16 + shade * 219 // 255)
                film.write(b"FRAME\n" + shades.tobytes() + grey)
        os.replace(written, self._film)


def label(pdf: bytes, smeared: Sequence[Symbol] = ()) -> Paper:
    """A label's first page, its codes in the middle; the symbols in `smeared` are wiped over."""
    page, reads = rasters(pdf, DPI)[0], read_back(pdf, DPI)
    for read in reads:
        if read.symbol in smeared:
            _smear(page, read)
    xs = [x for read in reads for x in (read.box[0], read.box[2])]
    ys = [y for read in reads for y in (read.box[1], read.box[3])]
    return Paper(page, ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2))


def slip(text: str) -> Paper:
    """A slip with the QR code of somebody else's text, which must fit version 1."""
    modules = module_matrix(Symbol.QR, text)
    small = Image.new("L", (len(modules) + 8, len(modules) + 8), 255)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            small.putpixel((x + 4, y + 4), 0 if dark else 255)
    dots = small.resize((small.width * 7, small.height * 7), Image.Resampling.NEAREST)
    return Paper(dots, (dots.width / 2, dots.height / 2))


def side_by_side(one: Paper, other: Paper, apart_mm: float = 30) -> Paper:
    """Two papers on one table, the second laid over the first beside its middle."""
    width, height = one.dots.width + other.dots.width, one.dots.height + other.dots.height
    table = Image.new("L", (width, height), _TABLE)
    table.paste(one.dots, (0, 0))
    apart = apart_mm * DPI / _MM_PER_INCH
    left, top = one.middle[0] + apart - other.middle[0], one.middle[1] - other.middle[1]
    table.paste(other.dots, (round(left), round(top)))
    return Paper(table, (one.middle[0] + apart / 2, one.middle[1]))


def blank() -> Image.Image:
    """A frame without anything on the table."""
    return Image.new("L", (WIDTH, HEIGHT), _TABLE)


def frame(paper: Paper, view: View = NEAR) -> Image.Image:
    """One frame of a film."""
    framed = Image.new("L", (paper.dots.width + 2, paper.dots.height + 2), _TABLE)
    framed.paste(paper.dots, (1, 1))
    scale = view.px_a_mm / (DPI / _MM_PER_INCH)
    # Fewer pixels than dots: each is the mean of what it covers, as in a real camera.
    shrunk = framed.filter(ImageFilter.GaussianBlur(0.45 / scale)) if scale < 1 else framed
    seen = shrunk.transform(
        (WIDTH, HEIGHT),
        Image.Transform.PERSPECTIVE,
        _seen_from(view, scale, paper.middle),
        Image.Resampling.BICUBIC,
        fillcolor=_TABLE,
    ).filter(ImageFilter.GaussianBlur(view.blur_px))
    lit = seen.point(lambda shade: round((128 + (shade - 128) * view.contrast) * view.light))
    if not view.noise:
        return lit
    return ImageChops.add(lit, Image.effect_noise((WIDTH, HEIGHT), view.noise), offset=-128)


def film(paper: Paper, view: View = NEAR, frames: int = 6) -> list[Image.Image]:
    """A hand that does not keep quite still."""
    return [frame(paper, _shaken(view, n)) for n in range(frames)]


def _shaken(view: View, n: int) -> View:
    return replace(
        view,
        turned=view.turned + 2 * sin(n),
        right_px=view.right_px + 6 * sin(n / 2),
        down_px=view.down_px + 4 * cos(n / 2),
    )


def _smear(page: Image.Image, read: CodeRead) -> None:
    x0, y0, x1, y1 = read.box
    third = (y1 - y0) // 3
    band = (x0, y0 + third, x1, y1)
    page.paste(page.crop(band).filter(ImageFilter.GaussianBlur(third)), band)
    ImageDraw.Draw(page).line((x0, y1, x1, y0), fill=90, width=third // 2)


def _seen_from(view: View, scale: float, middle: tuple[float, float]) -> tuple[float, ...]:
    """Pillow's eight numbers: where on the paper each pixel of the frame looks.

    The paper is turned in its plane and tilted about its upright middle, 200 mm from the lens.
    For a point u, v of the turned paper the frame shows x = u cos t d / (d + u sin t) and
    y = v d / (d + u sin t); solved for u and v that is linear over a linear denominator.
    """
    turn, tilt, far = radians(view.turned), radians(view.tilted), 200 * view.px_a_mm
    to_middle: Matrix = (
        (1, 0, -(WIDTH / 2 + view.right_px)),
        (0, 1, -(HEIGHT / 2 + view.down_px)),
        (0, 0, 1),
    )
    untilt: Matrix = ((far, 0, 0), (0, far * cos(tilt), 0), (-sin(tilt), 0, far * cos(tilt)))
    unturn: Matrix = ((cos(turn), sin(turn), 0), (-sin(turn), cos(turn), 0), (0, 0, 1))
    to_paper: Matrix = ((1 / scale, 0, middle[0]), (0, 1 / scale, middle[1]), (0, 0, 1))
    whole = to_paper
    for step in (unturn, untilt, to_middle):
        whole = _product(whole, step)
    rows = [number / whole[2][2] for row in whole for number in row]
    return tuple(rows[:8])


def _product(one: Matrix, other: Matrix) -> Matrix:
    return tuple(
        (
            sum(row[n] * other[n][0] for n in range(3)),
            sum(row[n] * other[n][1] for n in range(3)),
            sum(row[n] * other[n][2] for n in range(3)),
        )
        for row in one
    )
