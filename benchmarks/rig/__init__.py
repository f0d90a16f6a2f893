"""What the benchmarks stand on: a gateway, a ComfyUI, processes to compare, and the telling of figures."""
