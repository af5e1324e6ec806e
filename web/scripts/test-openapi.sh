#!/usr/bin/env bash
# Sends the server whatever its OpenAPI document allows, and what it does not, and checks that it keeps
# to the document. AGENT_JOBS_URL is the server's address; schemathesis is installed into the folder
# that is given, unless it is there.
#   test-openapi.sh FOLDER
set -euo pipefail

folder=$1
if [ ! -x "$folder/bin/schemathesis" ]; then
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet schemathesis==4.32.5
fi
run() {
  "$folder/bin/schemathesis" run "$AGENT_JOBS_URL/api/v1/openapi.json" \
    --checks all --max-examples 10 --seed 1 --workers 2 --generation-database none "$@"
}
# A cursor is one that the server has given out, and buckets fit into a time: no schema says so.
conditional=(/api/v1/failures /api/v1/statistics)
# Event streams do not end: the tests in Rust have them.
run --exclude-path /api/v1/jobs/executing/events "${conditional[@]/#/--exclude-path=}"
run "${conditional[@]/#/--include-path=}" --exclude-checks positive_data_acceptance
