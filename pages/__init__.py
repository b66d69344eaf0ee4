"""The screens: one file a route, built from components."""
