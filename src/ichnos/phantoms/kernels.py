"""Feature `kernel`: the reconstruction's sharpness, the texture of its noise, the dose and the denoising.

Nothing is projected: sharpness, noise power and smoothing are imitated in the image. The noise of
filtered back-projection has little power at low frequencies (it rises like a ramp up to a cut-off
that the kernel sets) and is drawn out along the shoulders' and the petrous bones' direction.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy import fft, ndimage

from ichnos.phantoms.grid import Grid
from ichnos.phantoms.scanner import Scanner, Volume


@dataclass(frozen=True)
class Kernel:
    """How sharp and how noisy the images are.

    Attributes:
        blur_px: standard deviation of the in-plane blur.
        sharpness: share of the edges that is added to the image; overshoots beside bone.
        noise_hu: standard deviation of the noise at mid-head, before smoothing.
        ramp: exponent of the rise of the noise's amplitude with frequency; 0 is white.
        cut_off: frequency in cycles per pixel at which the amplitude has fallen to 1/e.
        streaky: share of noise drawn out from side to side, at the base.
        bowl: how much stronger the noise is in the middle of the image than at its edge.
        smoothing: share of the noise that iterative reconstruction takes away.
        smoothing_px: over which distance it does.
    """

    blur_px: float
    sharpness: float
    noise_hu: float
    ramp: float
    cut_off: float
    streaky: float
    bowl: float
    smoothing: float
    smoothing_px: float


def draw_kernel(rng: np.random.Generator) -> Kernel:
    """Draw a kernel and a dose; most are soft, as brains are read on soft kernels."""
    sharp, smooth = rng.random(), rng.random()
    return Kernel(
        blur_px=float(rng.uniform(0.4, 1.5)),
        sharpness=float(rng.uniform(0.1, 0.5) if sharp < 0.3 else rng.uniform(0.5, 1.5) if sharp < 0.4 else 0.0),
        noise_hu=float(np.exp(rng.uniform(np.log(1.0), np.log(15.0)))),
        ramp=float(rng.uniform(0.0, 1.0)),
        cut_off=float(rng.uniform(0.12, 0.5)),
        streaky=float(rng.uniform(0.0, 0.9)),
        bowl=float(rng.uniform(0.0, 1.0)),
        smoothing=float(rng.uniform(0.3, 0.95) if smooth < 0.45 else 0.0),
        smoothing_px=float(rng.uniform(0.7, 1.8)),
    )


def reconstruct(kernel: Kernel, voxels_hu: Volume) -> Volume:
    """Blur, then sharpen: the image without noise."""
    image: Volume = ndimage.gaussian_filter(voxels_hu, (0.0, kernel.blur_px, kernel.blur_px), truncate=3.0)
    if kernel.sharpness:
        image = image + np.float32(kernel.sharpness) * (
            image - ndimage.gaussian_filter(image, (0.0, 1.5, 1.5), truncate=3.0)
        )
    return image


def without_grain(scanner: Scanner) -> Scanner:
    """The scanner without the blur, the noise and the padding of its own."""
    return replace(scanner, blur_mm=0.0, noise_hu=0.0, padded=False)


def add_noise(kernel: Kernel, voxels_hu: Volume, grid: Grid, rng: np.random.Generator) -> Volume:
    """Add noise, then smooth where the image differs from its surroundings by no more than noise."""
    noisy = voxels_hu + _noise(kernel, grid, rng)
    if not kernel.smoothing:
        return noisy
    sigma = (0.0, kernel.smoothing_px, kernel.smoothing_px)
    away = ndimage.gaussian_filter(noisy, sigma, truncate=2.5) - noisy
    reach = np.float32(4.0 * kernel.noise_hu + 3.0)
    return noisy + np.float32(kernel.smoothing) * np.exp(-((away / reach) ** 2)) * away


def _noise(kernel: Kernel, grid: Grid, rng: np.random.Generator) -> Volume:
    _, rows, columns = grid.geometry.shape
    spectrum = fft.rfft2(rng.standard_normal(grid.geometry.shape, dtype=np.float32))
    down, across = np.abs(fft.fftfreq(rows))[:, None], fft.rfftfreq(columns)[None, :]
    amplitude = _amplitude(kernel, down, across).astype(np.float32)
    drawn_out = amplitude * np.exp(-((across / 0.05) ** 2)).astype(np.float32)
    low = np.clip(-(grid.heights_mm - 5.0) / 50.0, 0.0, 1.0)
    share = (kernel.streaky * low).astype(np.float32)[:, None, None]
    noise: Volume = fft.irfft2(spectrum * _unit(amplitude), s=(rows, columns))
    if share.any():
        noise = noise + share * fft.irfft2(spectrum * _unit(drawn_out), s=(rows, columns))
    by_height = (1.0 + 0.35 * np.tanh(-(grid.heights_mm - 5.0) / 30.0)).astype(np.float32)[:, None, None]
    return np.asarray(noise * by_height * _bowl(kernel, rows, columns) * np.float32(kernel.noise_hu), np.float32)


def _amplitude(kernel: Kernel, down: np.ndarray, across: np.ndarray) -> Float[np.ndarray, "rows half"]:
    frequency = np.hypot(down, across)
    return np.asarray((frequency + 0.02) ** kernel.ramp * np.exp(-((frequency / kernel.cut_off) ** 2)))


def _unit(amplitude: Float[np.ndarray, "rows half"]) -> Float[np.ndarray, "rows half"]:
    """Scaled so that white noise of deviation 1 keeps its deviation."""
    both = np.concatenate([amplitude, amplitude[:, 1:-1]], axis=1)
    return amplitude / np.sqrt((both**2).mean())


def _bowl(kernel: Kernel, rows: int, columns: int) -> Float[np.ndarray, "rows columns"]:
    y = np.linspace(-1.0, 1.0, rows)[:, None]
    x = np.linspace(-1.0, 1.0, columns)[None, :]
    bowl = 1.0 + kernel.bowl * np.clip(0.5 - x**2 - y**2, -0.5, 0.5)
    return bowl.astype(np.float32)
