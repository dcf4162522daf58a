#!/bin/sh
# Installs what an image holds beside its base, as the Dockerfile does, and prints how large it is.
#   deploy/sizes.sh light|full
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
deploy/install.sh dependencies "$1" "$scratch/venv"
deploy/install.sh application "$scratch/venv" "$scratch/app"
deploy/install.sh models "$1" "$scratch/venv" "$scratch/app" "$scratch/models"
cd "$scratch"
du --summarize --total --block-size=1MB venv app models
