#!/usr/bin/env bash
# Makes the secrets that the manifests refer to, in the current cluster; existing ones are kept.
#   infra/kubernetes/make-secrets.sh          with the S3 server of the overlays local and gcp
#   infra/kubernetes/make-secrets.sh --no-s3  where a role of the cloud gives access to the bucket (aws)
# Values go to kubectl through its standard input: an argument could be read by everyone on this machine.
set -euo pipefail
namespace=saddle
kubectl create namespace "$namespace" --dry-run=client --output yaml | kubectl apply --filename -

random() { python3 -c "import secrets; print(secrets.token_hex($1), end='')"; }
exists() { kubectl --namespace "$namespace" get secret "$1" >/dev/null 2>&1; }
make() { # NAME, then KEY=VALUE lines on standard input
    kubectl --namespace "$namespace" create secret generic "$1" --from-env-file=/dev/stdin
}

exists postgres || printf 'password=%s\n' "$(random 24)" | make postgres
if [[ ${1:-} != --no-s3 ]] && ! exists bucket; then
    key=saddle secret=$(random 24)
    kubectl --namespace "$namespace" delete secret s3-identities --ignore-not-found
    printf 'identities.json={"identities": [{"name": "saddle", "actions": ["Admin"], "credentials": [{"accessKey": "%s", "secretKey": "%s"}]}]}\n' \
        "$key" "$secret" | make s3-identities
    printf 'AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$key" "$secret" | make bucket
fi
