"""AiHubMix as it documents itself: its hosts, its two models and their prices."""

AIHUBMIX = "aihubmix"

# The main host and two more that serve the same accounts.
BASE_URLS = ("https://aihubmix.com/v1", "https://api.aihubmix.com/v1", "https://api.inferera.com/v1")
# Where its users make keys.
KEYS_PAGE = "https://aihubmix.com/token"

# The host of the pictures that its pages show.
PICTURE_HOST = "https://filesystem.site"

# Page "GPT-4o-image", prices per call since 2025-06-04.
PRICES_USD: dict[str, float] = {"gpt-4o-image-vip": 0.009, "gpt-4o-image": 0.005}
