"""Programs that hold contenders in the Python of another environment: they import numpy and that environment's peer."""
