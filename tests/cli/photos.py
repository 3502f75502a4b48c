"""A small folder of photos: waves of four directions, one class each, in the folder where this is run."""
import os
import numpy as np
from PIL import Image
rng = np.random.default_rng(0)
WAVES = {"ankle boot": (3, 0), "bag": (0, 3), "coat": (2, 2), "dress": (4, -4)}
for split, count in (("train", 40), ("val", 25)):
    for name, (u, v) in WAVES.items():
        os.makedirs(f"photos/{split}/{name}")
        for i in range(count):
            h, w = rng.integers(36, 56, 2)
            y, x = np.mgrid[0:h, 0:w] / 45
            wave = np.sin(2 * np.pi * (u * x + v * y) + rng.uniform(0, 2 * np.pi))
            grey = 127 + 45 * wave[..., None] + rng.normal(0, 12, (h, w, 3)) + rng.normal(0, 15, 3)
            kind = ("jpg", "png")[i % 2]
            Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(f"photos/{split}/{name}/{i:02d}.{kind}")
