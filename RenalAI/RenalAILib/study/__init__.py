"""A study: one CT's file or folder in, its result folder out; also as a task, named by its content, done once."""
