"""The ComfyUI side: nodes, tensors and the host. Knows gpt4o_image; gpt4o_image never knows it."""
