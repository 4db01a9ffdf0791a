"""``cifar10``: the setup of the paper's Tables 1 and 4 to 8 (Appendix D.1)."""

from amrobust.workloads.images import ImageClassification

WORKLOAD = ImageClassification(
    name="cifar10",
    shape=(3, 32, 32),
    classes=10,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2023, 0.1994, 0.2010),
    models=("resnet34", "resnet18", "preact-resnet18", "densenet121", "resnet8"),
    own_defaults={"epochs": 90, "batch_size": 128, "augment": True},
)
"""Mean and deviation are those of the implementation that the paper follows, not the pixels' exact ones."""
