"""GitLab CI/CD: what a pipeline knows there, and how it speaks."""
