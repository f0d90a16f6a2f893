"""The tools of the benchmarks: a gateway, a ComfyUI, processes to compare, and the printing of figures."""
