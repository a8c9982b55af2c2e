#!/usr/bin/env bash
# Writes secrets/ next to this file: a token for Ray, a password for PostgreSQL, a key for the S3 server.
# Existing files are kept. The files are readable for the user in the containers, the folder only for you.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p secrets studies
chmod 700 secrets

random() { python3 -c "import secrets; print(secrets.token_hex($1), end='')"; }
write() { cat >"secrets/$1" && chmod 444 "secrets/$1"; }

[[ -e secrets/ray_token ]] || random 32 | write ray_token
[[ -e secrets/postgres_password ]] || random 24 | write postgres_password
if [[ ! -e secrets/aws_credentials || ! -e secrets/s3_identities ]]; then
    rm -f secrets/aws_credentials secrets/s3_identities # they hold the same key
    key=saddle secret=$(random 24)
    printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$key" "$secret" | write aws_credentials
    printf '{"identities": [{"name": "saddle", "actions": ["Admin"], "credentials": [{"accessKey": "%s", "secretKey": "%s"}]}]}\n' \
        "$key" "$secret" | write s3_identities
fi
