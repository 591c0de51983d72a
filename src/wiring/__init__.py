"""How the floors below the interface are put together. `bootstrap` adds the interface, and alone knows the container."""
