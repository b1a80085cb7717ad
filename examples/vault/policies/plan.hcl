# For `syncer plan` and `syncer drift`: names and metadata. No value can be read with it.
path "secret/metadata/shop/*" {
  capabilities = ["list", "read"]
}

# OpenBao gives all of it in one call. HashiCorp Vault knows no such path; there the rule does nothing.
path "secret/detailed-metadata/shop/*" {
  capabilities = ["scan"]
}
