# In addition, on OpenBao: all metadata in one call. HashiCorp Vault does not know this capability.
path "secret/detailed-metadata/shop/*" {
  capabilities = ["scan"]
}
