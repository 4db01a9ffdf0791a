"""``fashion-mnist``: 60,000 grey images of 28 × 28 pixels of clothes in 10 classes, and a small network."""

from amrobust.workloads.images import ImageClassification

WORKLOAD = ImageClassification(
    name="fashion-mnist",
    shape=(1, 28, 28),
    classes=10,
    mean=(0.2860,),
    std=(0.3530,),
    models=("small-cnn", "resnet8"),
    own_defaults={"epochs": 30, "batch_size": 128, "augment": False},
)
