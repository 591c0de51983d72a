from infrastructure.store.memory.open import open_memory

__all__ = ["open_memory"]
