"""An executor that a package announces."""

from amrobust.train.executors import LocalExecutor


class Backwards(LocalExecutor):
    """This process, the last block first."""

    name = "backwards"

    def train(self, spec, blocks, place):
        """From the last block to the first."""
        return super().train(spec, blocks[::-1], place)
