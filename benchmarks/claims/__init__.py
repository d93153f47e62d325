"""One claim per file; this tuple is the order of the report."""

CLAIMS = ("conv_layers", "batch", "gemm", "network", "threads", "data_set", "limits", "first_result")
