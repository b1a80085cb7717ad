# In addition, for `--verify-values`, `syncer get`, `syncer import` and where other people keep fields in our secrets.
path "secret/data/shop/*" {
  capabilities = ["read"]
}
