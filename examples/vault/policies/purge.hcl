# In addition, with `purge: true`: deletions take every version and all metadata.
path "secret/metadata/shop/*" {
  capabilities = ["delete"]
}
