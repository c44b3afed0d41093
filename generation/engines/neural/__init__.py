"""What every engine with network weights shares: which models there are, where they lie, how they are loaded."""
