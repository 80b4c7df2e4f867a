"""The batch: thousands of studies through one bundle, whatever happens on the way."""
