"""The rows of the speed table: one module a group, each with rows(setting), a generator."""
