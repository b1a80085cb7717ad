# For `syncer plan` and `syncer drift`: names and metadata. No value can be read with it.
path "secret/metadata/shop/*" {
  capabilities = ["list", "read"]
}
