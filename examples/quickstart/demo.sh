#!/bin/sh
# Plan, apply, plan: on a copy of this folder, which is removed afterwards.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp "$here/syncer.yaml" "$copy"
cd "$copy"
export DATABASE_PASSWORD=only-for-this-demo

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run syncer plan
run syncer apply --auto-approve
run syncer plan
