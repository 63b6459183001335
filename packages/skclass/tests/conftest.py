from hypothesis import settings

# A busy machine must not fail a test: hypothesis would time every example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
