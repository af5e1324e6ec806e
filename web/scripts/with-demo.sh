#!/usr/bin/env bash
# Runs a command while the demo is served from a database of its own, at a free port that the
# command finds in AGENT_JOBS_URL:
#   with-demo.sh path/to/agent-jobs COMMAND...
set -euo pipefail

binary=$1
shift
folder=$(mktemp -d)
# It is read before the server may have begun to write.
touch "$folder/out"
"$binary" demo --database-url "sqlite://$folder/demo.db" --listen 127.0.0.1:0 >"$folder/out" &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

for _ in $(seq 600); do
  AGENT_JOBS_URL=$(sed -n 's/.*listening on \(http.*\)/\1/p' "$folder/out")
  [ -n "$AGENT_JOBS_URL" ] && break
  kill -0 "$server"
  sleep 0.1
done
export AGENT_JOBS_URL
"$@"
