"""The study task: one CT with one bundle, named by its content, done at most once; whoever hands the tasks out."""
