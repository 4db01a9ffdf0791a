"""The streamed workload on a handful of made-up JPEGs."""

import numpy as np
import pytest
import torch

from amrobust.errors import UserError
from amrobust.workloads import data
from amrobust.workloads.imagenet import MEAN, STD, WORKLOAD, decode

Image = pytest.importorskip("PIL.Image")
PARAMS = {**WORKLOAD.defaults, "batch_size": 2, "decoders": 3}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Two classes: in "dark" all images are black, in "light" they are white on the left and black on the right."""
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    light = np.zeros((260, 300, 3), np.uint8)
    light[:, :150] = 255
    for split, count in (("train", 3), ("val", 2)):
        for name, pixels in (("dark", np.zeros((300, 240, 3), np.uint8)), ("light", light)):
            folder = tmp_path / "imagenet" / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                Image.fromarray(pixels).save(folder / f"{index}.JPEG", format="JPEG", quality=95)
    return tmp_path / "imagenet"


def training(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return list(WORKLOAD.training_batches(PARAMS, np.random.default_rng(seed), generator))


def test_a_pass_gives_every_image_once_standardised(root):
    batches = training()
    assert [images.shape for images, _ in batches] == [(2, 3, 224, 224)] * 3
    labels = torch.cat([labels for _, labels in batches])
    assert sorted(labels.tolist()) == [0, 0, 0, 1, 1, 1]
    assert WORKLOAD.steps_per_epoch(PARAMS) == 3
    images = torch.cat([images for images, _ in batches])
    black = -torch.tensor(MEAN) / torch.tensor(STD)
    assert torch.allclose(images[labels == 0].mean(dim=(0, 2, 3)), black, atol=1e-3)
    assert (images[labels == 1].amax(dim=(0, 2, 3)) > 1.5).all()


def test_order_and_crops_are_the_streams_however_many_threads_decode(root):
    one, again = training(), training()
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(one, again, strict=True))
    PARAMS_ONE = {**PARAMS, "decoders": 1}
    generator = torch.Generator().manual_seed(0)
    single = WORKLOAD.training_batches(PARAMS_ONE, np.random.default_rng(0), generator)
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(one, single, strict=True))
    assert not all(torch.equal(a, b) for (a, _), (b, _) in zip(one, training(1), strict=True))


def test_evaluation_takes_the_central_square_of_each_image_in_order(root):
    batches = list(WORKLOAD.evaluation_batches({**PARAMS, "batch_size": 3}))
    assert [len(labels) for _, labels in batches] == [3, 1]
    assert torch.cat([labels for _, labels in batches]).tolist() == [0, 0, 1, 1]
    light = batches[1][0][0]
    assert light[:, :, :100].mean() > 1.5
    assert light[:, :, 124:].mean() < -1.5


def test_the_last_draw_mirrors(root):
    path = root / "train" / "light" / "0.JPEG"
    draws = torch.full((41,), 0.5, dtype=torch.float64)
    straight, mirrored = decode(path, draws), decode(path, torch.cat([draws[:-1], draws[-1:] - 0.1]))
    assert torch.equal(straight.flip(2), mirrored)
    assert not torch.equal(straight, mirrored)


def test_the_paper_s_schedule_restarts_at_each_drop():
    params = dict(WORKLOAD.defaults)
    WORKLOAD.check(params)
    assert [e for e in range(90) if WORKLOAD.restarts(params, e)] == [30, 60]
    assert WORKLOAD.learning_rate(params, 0.1, 60) == pytest.approx(0.001)


def test_the_network_has_as_many_classes_as_there_are_folders(root):
    net = WORKLOAD.model(torch.Generator().manual_seed(0))
    assert net.head.out_features == 2
    assert len(WORKLOAD.data_digest(PARAMS)) == 64


@pytest.mark.parametrize("content", [b"", b"not an image", b"\xff\xd8\xff\xe0 cut off"])
def test_a_file_that_is_no_image_is_named_in_one_line(root, content):
    bad = root / "val" / "dark" / "0.JPEG"
    bad.write_bytes(content)
    with pytest.raises(UserError, match=r"dark/0\.JPEG") as caught:
        list(WORKLOAD.evaluation_batches(PARAMS))
    assert "\n" not in str(caught.value)


def test_a_huge_image_is_refused_before_it_is_decoded(root, monkeypatch):
    monkeypatch.setattr("amrobust.workloads.imagenet.MAX_PIXELS", 1000)
    with pytest.raises(UserError, match="pixels"):
        decode(root / "val" / "dark" / "0.JPEG", None)


def test_absent_folders_and_classes_of_one_split_are_refused(root, tmp_path, monkeypatch):
    (root / "val" / "other").mkdir()
    (root / "val" / "other" / "0.JPEG").touch()
    with pytest.raises(UserError, match="class other"):
        WORKLOAD.data_digest(PARAMS)
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"image-net\.org"):
        WORKLOAD.data_digest(PARAMS)


@pytest.mark.parametrize(
    "change", [{"model": "resnet18"}, {"decoders": 0}, {"epochs": True}, {"augment": None}], ids=str
)
def test_values_that_make_no_sense_are_refused(change):
    with pytest.raises(UserError, match=next(iter(change))):
        WORKLOAD.check({**WORKLOAD.defaults, **change})
