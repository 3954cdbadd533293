"""What acceptance tests and the comparison with other runtimes share: where the material lies, and the other runtimes."""
