# What the tests of stops and of who wishes them need besides helpers.bash: programs that end each in its own way.

load helpers

# A program that ends at once when it is told to, with status 0.
write_polite_app() {
	write_script polite <<-'END'
		trap 'echo bye; exit 0' TERM
		echo ready
		pause
	END
}

# A program that ends when the test calls `release`, and not before.
write_slow_app() {
	write_script slow <<-'END'
		trap 'echo finishing; await_release; echo finished; exit 0' TERM
		echo ready
		pause
	END
}

# One that does not listen to SIGTERM.
write_deaf_app() {
	write_script deaf <<-'END'
		trap '' TERM
		echo ready
		pause
	END
}

# Usage: COMMAND [LINE...] of a process called app.
start_app() {
	write_config <<-END
		[process app]
		command = ./$1
		$(printf '%s\n' "${@:2}")
	END
	g start
	wait_for_log app.1 ready
}
