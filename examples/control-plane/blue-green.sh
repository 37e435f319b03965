#!/bin/sh
# Moves a route to a new upstream in one step, with grpcurl alone: the upstream
# comes into being, the route goes there, and the old upstream goes, or nothing of
# it happens. First the plan is made and checked; it is applied only if nobody
# changed anything in between.
#
#   blue-green.sh CONTROL ROUTE OLD NEW ADDRESS...
set -eu
[ $# -ge 5 ] || { echo "usage: blue-green.sh CONTROL ROUTE OLD NEW ADDRESS..." >&2; exit 2; }
control=$1 route=$2 old=$3 new=$4
shift 4

call() { grpcurl -plaintext -d "$2" "$control" "sentinel.v1.ControlService/$1"; }
value() { sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1; }

backends=
for address; do backends="$backends${backends:+,}{\"address\":\"$address\"}"; done
commands="[
  {\"add_upstream\":{\"upstream\":{\"id\":\"$new\",\"backends\":[$backends]}}},
  {\"update_route\":{\"route\":{\"id\":\"$route\",\"upstream\":\"$new\"}}},
  {\"remove_upstream\":{\"upstream_id\":\"$old\"}}
]"

plan=$(call ApplyDiff "{\"commands\":$commands,\"options\":{\"validate_only\":true}}")
revision=$(echo "$plan" | value revision)
history=$(echo "$plan" | value historyId)
echo "checked on revision $revision"

answer=$(call ApplyDiff "{\"commands\":$commands,\"options\":{
  \"expected_revision\":\"$revision\",\"expected_history_id\":\"$history\",\"reason\":\"$old to $new\"}}")
echo "committed as revision $(echo "$answer" | value revision), applied: $(echo "$answer" | value applied)"
