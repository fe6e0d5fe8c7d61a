#!/usr/bin/env bash
# Checks deploy/kubernetes against the schemas of Kubernetes and KEDA by kubeconform, and deploy/compose.yaml against the
# specification of compose files. Needs Go and Python, which install what is pinned here from their registries. Where
# that does not succeed it fails in CI, and says so elsewhere. No cluster takes part.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/skipped.sh

KUBECONFORM_VERSION=v0.7.0
KEDA_VERSION=v2.18.1
COMPOSE_VERSION=v2.9.1
SCHEMAS_VERSION=1.37.0
KUBERNETES_VERSION=1.34.0

work=$PWD/out/check-deploy
mkdir -p "$work"

skip() {
  skipped "$1, so deploy/ is not checked against schemas: see $work/install.log." || exit 1
  exit 0
}

# module PATH VERSION: prints the folder of a Go module, downloaded if need be.
module() {
  timeout "$INSTALL_SECONDS_MAX" go mod download -json "$1@$2" 2>>"$work/install.log" | sed -n 's/^\s*"Dir": "\(.*\)",$/\1/p'
}

: >"$work/install.log"
for needed in go python3; do
  command -v "$needed" >/dev/null || { echo "There is no $needed here, so deploy/ is not checked against schemas."; exit 0; }
done
GOBIN=$work timeout "$INSTALL_SECONDS_MAX" go install "github.com/yannh/kubeconform/cmd/kubeconform@$KUBECONFORM_VERSION" \
  >>"$work/install.log" 2>&1 || skip "kubeconform cannot be installed"
keda=$(module github.com/kedacore/keda/v2 "$KEDA_VERSION") || skip "KEDA's definitions cannot be downloaded"
compose=$(module github.com/compose-spec/compose-go/v2 "$COMPOSE_VERSION") \
  || skip "the specification of compose files cannot be downloaded"
{ python3 -m venv "$work/venv" && timeout "$INSTALL_SECONDS_MAX" "$work/venv/bin/pip" install --quiet "kubernetes-validate==$SCHEMAS_VERSION"; } \
  >>"$work/install.log" 2>&1 || skip "the schemas of Kubernetes cannot be installed"
schemas=$("$work/venv/bin/python" -c 'import kubernetes_validate, os; print(os.path.dirname(kubernetes_validate.__file__))')

mkdir -p "$work/kinds" "$work/keda"
"$work/venv/bin/python" tools/deploy_schemas.py kinds "$schemas/kubernetes-json-schema/v$KUBERNETES_VERSION-local-strict" "$work/kinds"
"$work/venv/bin/python" tools/deploy_schemas.py crd "$keda/config/crd/bases/keda.sh_scaledobjects.yaml" "$work/keda/scaledobject.json"
rendered=(deploy/kubernetes/*.yaml deploy/kubernetes/*/*.yaml)
if command -v kubectl >/dev/null; then
  rendered=()
  for folder in deploy/kubernetes deploy/kubernetes/gateway deploy/kubernetes/keda; do
    kubectl kustomize "$folder" >"$work/$(basename "$folder").yaml"
    rendered+=("$work/$(basename "$folder").yaml")
  done
fi
"$work/kubeconform" -strict -summary -skip Kustomization \
  -schema-location "$work/kinds/{{ .ResourceKind }}{{ .KindSuffix }}.json" \
  -schema-location "$work/keda/{{ .ResourceKind }}.json" \
  "${rendered[@]}"
"$work/venv/bin/python" tools/deploy_schemas.py compose "$compose/schema/compose-spec.json" deploy/compose.yaml
echo "deploy/compose.yaml is a compose file."
