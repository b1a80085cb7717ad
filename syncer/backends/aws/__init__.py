"""Amazon's stores for secrets: Secrets Manager and Systems Manager Parameter Store."""
