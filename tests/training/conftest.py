from tests.training.tiny import cache_folder, own_cache  # noqa: F401
