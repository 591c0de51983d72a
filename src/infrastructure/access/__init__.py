"""Who asks, told by somebody else: tokens that an identity provider has signed."""
