# For `syncer apply`. It writes values and reads none.
path "secret/metadata/shop/*" {
  capabilities = ["list", "read", "create", "patch"]
}

path "secret/data/shop/*" {
  capabilities = ["update", "patch"]
}

# To disable and to delete softly; to enable and to restore.
path "secret/delete/shop/*" {
  capabilities = ["update"]
}

path "secret/undelete/shop/*" {
  capabilities = ["update"]
}
