"""Augmentation: hand-checked, the same draws everywhere, every place and side equally often."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from amrobust.workloads.augment import central_box, random_crop, random_flip, random_resized_box


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=6, channels=3, height=5, width=4):
    return torch.arange(n * channels * height * width, dtype=torch.float32).view(n, channels, height, width)


class TestCrop:
    def test_each_image_is_a_window_of_its_padded_self(self):
        x, fill = images(), torch.tensor([-1.0, -2.0, -3.0])
        cropped = random_crop(x, generator(3), 2, fill)
        offsets = torch.randint(5, (6, 2), generator=generator(3))
        assert len({tuple(pair) for pair in offsets.tolist()}) > 3
        for image, result, (top, left) in zip(x.numpy(), cropped.numpy(), offsets.tolist(), strict=True):
            padded = np.stack(
                [np.pad(plane, 2, constant_values=f) for plane, f in zip(image, fill.tolist(), strict=True)]
            )
            np.testing.assert_array_equal(result, padded[:, top : top + 5, left : left + 4])

    def test_without_padding_nothing_changes(self):
        x = images()
        assert torch.equal(random_crop(x, generator(), 0, torch.zeros(3)), x)

    def test_the_generator_alone_decides_and_the_images_stay(self):
        x = images(n=50)
        before = x.clone()
        one = random_crop(x, generator(1), 2, torch.zeros(3))
        torch.manual_seed(9)
        assert torch.equal(one, random_crop(x, generator(1), 2, torch.zeros(3)))
        assert not torch.equal(one, random_crop(x, generator(2), 2, torch.zeros(3)))
        assert torch.equal(x, before)

    def test_every_offset_is_equally_likely(self):
        x = torch.zeros(20_000, 1, 3, 3)
        x[:, 0, 1, 1] = 1
        where = random_crop(x, generator(), 1, torch.zeros(1)).flatten(1).argmax(dim=1)
        counts = torch.bincount(where, minlength=9)
        assert ((counts / 20_000 - 1 / 9).abs() < 0.012).all()


class TestFlip:
    def test_half_of_the_images_are_mirrored_whole(self):
        x = images(n=4000)
        flipped = random_flip(x, generator())
        mirrored = (flipped != x).flatten(1).any(dim=1)
        assert abs(mirrored.float().mean() - 0.5) < 0.03
        assert torch.equal(flipped[mirrored], x[mirrored].flip(3))


class TestResizedBox:
    def box(self, width, height, stream):
        return random_resized_box(width, height, torch.rand((10, 4), generator=stream, dtype=torch.float64))

    @given(st.integers(1, 600), st.integers(1, 600), st.integers(0, 2**32))
    def test_it_lies_in_the_image(self, width, height, seed):
        left, upper, right, lower = self.box(width, height, generator(seed))
        assert 0 <= left < right <= width
        assert 0 <= upper < lower <= height

    def test_by_hand(self):
        draws = torch.tensor([[0.99, 0.0, 0.5, 0.5], [0.5, 0.5, 0.25, 0.999]])
        share = 0.08 + 0.5 * 0.92  # the first try, 0.99 of the area at 3 to 4, does not fit into a square
        side = round((share * 100 * 100) ** 0.5)
        left, upper = int(0.25 * (101 - side)), 100 - side
        assert random_resized_box(100, 100, draws) == (left, upper, left + side, upper + side)

    def test_area_and_ratio_have_their_ranges(self):
        stream = generator(1)
        boxes = np.array([self.box(500, 500, stream) for _ in range(2000)])
        w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
        share, ratio = w * h / (500 * 500), w / h
        assert 0.079 < share.min() < 0.1
        assert 0.9 < share.max() <= 1
        assert 3 / 4 - 0.02 < ratio.min() < 0.76
        assert 1.31 < ratio.max() < 4 / 3 + 0.02
        assert abs(np.log(ratio).mean()) < 0.02

    def test_a_strip_gets_the_central_box(self):
        assert self.box(1000, 30, generator()) == (480, 0, 520, 30)


@pytest.mark.parametrize(
    ("size", "box"), [((256, 256), (16, 16, 240, 240)), ((512, 256), (144, 16, 368, 240))]
)
def test_the_central_box_is_seven_eighths_of_the_shorter_side(size, box):
    assert central_box(*size) == box
