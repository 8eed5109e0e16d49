#!/usr/bin/env bats
# Kills at random moments: the short form of `make chaos`.

bats_require_minimum_version 1.5.0

load helpers

@test "supervisor and guard are killed 300 times under load, and nothing is lost, doubled or untrue" {
	"$ROOT/tests/chaos/chaos" --kills "${CHAOS_KILLS:-300}" ${CHAOS_SEED:+--seed "$CHAOS_SEED"} >chaos.out 2>&1 3>&- ||
		fail "$(<chaos.out)"
	sed 's/^/# /' chaos.out >&3
}
