"""``cifar100``: the setup of the paper's Figure 13 (Appendix D.1)."""

from amrobust.workloads.images import ImageClassification

WORKLOAD = ImageClassification(
    name="cifar100",
    shape=(3, 32, 32),
    classes=100,
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    models=("densenet121", "resnet34", "resnet18", "preact-resnet18", "resnet8"),
    own_defaults={"epochs": 300, "batch_size": 128, "augment": True, "drops": "1/2,3/4"},
)
