# The two commands that matter are `make run` and `make test`. Both install what is missing on Debian 12 first;
# Swift and git must be there. Every recipe is one POSIX shell script.

.DEFAULT_GOAL := help
.PHONY: help run test test-nginx test-asan test-tsan fuzz constant-time edge durability crash service soak deb
.PHONY: test-systemd test-image build reference format clean packages
.ONESHELL:
SHELL := /bin/sh
.SHELLFLAGS := -euc

# What hookd is linked with, by the names of Debian 12.
PACKAGES := libssl-dev libsystemd-dev libsqlite3-dev libcurl4-openssl-dev libsimdjson-dev zlib1g-dev

# A warning of ours is an error; SwiftPM keeps these flags from dependencies. -Werror must not come last: SwiftPM
# takes the argument behind it for the name of a group of warnings.
STRICT := -Xswiftc -warnings-as-errors -Xcc -Werror -Xcc -Wall -Xcc -Wextra -Xcc -Wno-unused-command-line-argument

# How long `make fuzz` looks, for each target.
SECONDS := 60

# How often `make crash` ends hookd.
CYCLES := 20

# A sanitizer reports and ends the program; Swift's own handler of crashes hangs in what is left of it. gold cannot link
# all of it. What is linked in besides is C for Swift's own clang: it speaks Swift's calling convention.
SANITIZED := SWIFT_BACKTRACE=enable=no
SANITIZE := -Xswiftc -use-ld=lld $(STRICT)
CLANG := "$$(dirname "$$(readlink -f "$$(command -v swiftc)")")/clang" -O1 -Wall -Wextra -Werror

# Where `make run` listens, and what it keeps between runs.
PORT := 8080
DEMO := $(CURDIR)/.run
HOOKD := .build/release/hookd
URL := http://127.0.0.1:$(PORT)/callbacks

define CONFIGURATION
{
  "listen": ["127.0.0.1:$(PORT)"],
  "state_directory": "$(DEMO)/state",
  "endpoints": {
    "/callbacks": {
      "secrets": [{ "file": "$(DEMO)/secret" }],
      "sinks": ["terminal", "archive"]
    }
  },
  "sinks": {
    "terminal": { "type": "stdout" },
    "archive": { "type": "file", "path": "$(DEMO)/events.jsonl" }
  }
}
endef
export CONFIGURATION

# Swift's tools leave directories in TMPDIR, one for each module that they plan to build. Here they get a TMPDIR that
# goes with the recipe; only the lock that keeps two of them out of one build stays where the others look for it.
define tidily
locks=$${TMPDIR:-/tmp}
TMPDIR=$$(mktemp -d "$$locks/hookd-make-XXXXXX")
export TMPDIR
# A test becomes a user whom permissions bind, and goes through it.
chmod 711 "$$TMPDIR"
trap 'rm -rf "$$TMPDIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for build in .build .build-asan .build-tsan .build-fuzz; do
	lock=$$(printf '%s' '$(CURDIR)'/$$build | tr / _).lock
	ln -s "$$locks/$$lock" "$$TMPDIR/$$lock"
done
endef

# Fails where the tests have left something in TMPDIR, which no other run shares. What Swift's tools leave there has
# other names.
define nothing-left
if find "$$TMPDIR" -mindepth 1 -maxdepth 1 -name 'hookd-*' | grep . >&2; then
	echo 'This is what a test has left behind.' >&2
	exit 1
fi
endef

# Tries the bars of a page, or the one that BAR names, and says at the end which were missed.
define hold
missed=
for bar in $(or $(BAR),$(1)); do
	Bars/$$bar || missed="$$missed $$bar"
	echo
done
if [ -n "$$missed" ]; then
	echo "Missed:$$missed" >&2
	exit 1
fi
endef

help: ## say what can be made (default)
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: packages ## build hookd, start it here, and send it a signed callback; another port: make run PORT=8081
	@say() { printf '%s\n' "$$@" >&2; }

	case '$(PORT)' in
	*[!0-9]* | '') say 'PORT must be a number, such as in: make run PORT=8081'; exit 64 ;;
	esac
	# /proc/net/tcp names ports in hexadecimal; state 0A is LISTEN.
	port=$$(printf ':%04X' $(PORT))
	if grep -qE "^ *[0-9]+: [0-9A-F]+$$port [0-9A-F]+:0000 0A " /proc/net/tcp* 2>/dev/null; then
		say "Port $(PORT) is taken by another program. Choose another one: make run PORT=$$(($(PORT) + 1))"
		exit 1
	fi

	# The events have stdout for themselves.
	(
		$(tidily)
		swift build -c release --static-swift-stdlib --product hookd >&2
	)

	umask 077
	mkdir -p '$(DEMO)'
	if [ ! -s '$(DEMO)/secret' ]; then
		od -A n -t x1 -N 32 /dev/urandom | tr -d ' \n' >'$(DEMO)/secret'
	fi
	printf '%s\n' "$$CONFIGURATION" >'$(DEMO)/config.json'

	# Sends as soon as the daemon listens (69: it does not yet), for up to 20 seconds, and tells what to try next.
	greet() {
		tries=0
		while :; do
			status=0
			answer=$$($(HOOKD) send $(URL) --secret-file '$(DEMO)/secret' 2>&1) || status=$$?
			tries=$$((tries + 1))
			if [ $$status -ne 69 ] || [ $$tries -ge 200 ]; then break; fi
			sleep 0.1
		done
		say ""
		case $$status in
		0) say "A signed callback was sent, and answered: $$answer" "Its event is a line of JSON on stdout." ;;
		*) say "A signed callback was sent in vain: $$answer" ;;
		esac
		say "Try in another terminal:"
		say ""
		say "  cd $(CURDIR)"
		say "  $(HOOKD) send $(URL) --secret-file .run/secret"
		say "  $(HOOKD) send $(URL) --secret-file .run/secret --fault replay"
		say "  $(HOOKD) tail --state-directory .run/state --follow"
		say ""
		say "Ctrl-C stops hookd. Its events stay in .run until: make clean"
	}
	greet &
	greeter=$$!

	# On a terminal the daemon becomes a job of its own, so that Ctrl-C reaches it alone: make would report an error.
	# Fields 5 and 8 of stat are our process group and the one that the terminal obeys.
	set -- $$(cat /proc/$$$$/stat)
	if [ "$$5" = "$$8" ]; then set -m; else trap : INT TERM; fi
	status=0
	$(HOOKD) serve --config '$(DEMO)/config.json' || status=$$?
	kill $$greeter 2>/dev/null || :
	exit $$status

# The clients that HTTPS is tested with.
test: PACKAGES += curl openssl
test: packages ## build without a warning, check format and dependencies, run all tests
	@$(tidily)
	swift format lint --strict --recursive Sources Tests Fuzz Benchmarks Package.swift

	# hookd is Dispatch and sockets; SwiftNIO must not come in through a dependency either.
	dependencies=$$(swift package show-dependencies --format flatlist)
	if printf '%s\n' "$$dependencies" | grep -i nio; then
		echo 'SwiftNIO is among the dependencies.' >&2
		exit 1
	fi

	swift build --build-tests $(STRICT)
	swift test --skip-build --disable-xctest $(STRICT)
	$(nothing-left)

test-nginx: packages ## compare with nginx, which must be installed: docs/http.md; write it anew: make test-nginx WRITE=1
	@$(tidily)
	swift build --product hookd $(STRICT)
	Tests/HTTPCases/compare-with-nginx .build/debug/hookd $(if $(WRITE),--write)

test-asan: packages ## run all tests under AddressSanitizer, the C in UndefinedBehaviorSanitizer too
	@$(tidily)
	mkdir -p .build-asan
	options=$(CURDIR)/.build-asan/asan-options.o
	$(CLANG) -c Tests/asan-options.c -o "$$options"
	set -- --sanitize=address --scratch-path .build-asan -Xcc -fsanitize=undefined -Xcc -fno-sanitize=vptr,function \
		-Xcc -fno-sanitize-recover=undefined -Xlinker "$$options" $(SANITIZE)
	swift build --build-tests "$$@"
	$(SANITIZED) swift test --skip-build --disable-xctest "$$@"
	$(nothing-left)

test-tsan: packages ## run all tests under ThreadSanitizer
	@$(tidily)
	mkdir -p .build-tsan
	mutex=$(CURDIR)/.build-tsan/tsan-mutex.o
	$(CLANG) -c Tests/tsan-mutex.c -o "$$mutex"
	set -- --sanitize=thread --scratch-path .build-tsan -Xlinker "$$mutex" $(SANITIZE)
	swift build --build-tests "$$@"
	$(SANITIZED) swift test --skip-build --disable-xctest "$$@"
	$(nothing-left)

fuzz: packages ## look for inputs that break hookd; longer for each target: make fuzz SECONDS=600
	@$(tidily)
	# libFuzzer is linked by hand, without its own main, and what it asks of the compiler goes to each compiler.
	runtime=$$(swift -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')/clang/lib/linux
	HOOKD_FUZZ=1 swift build -c release --product hookd-fuzz --sanitize=address --scratch-path .build-fuzz \
		-Xswiftc -use-ld=lld -Xswiftc -Xfrontend -Xswiftc -sanitize=fuzzer -Xcc -fsanitize=fuzzer-no-link \
		-Xcxx -fsanitize=fuzzer-no-link -Xlinker "$$runtime/libclang_rt.fuzzer_no_main-$$(uname -m).a" -Xlinker -lstdc++
	fuzzer=.build-fuzz/release/hookd-fuzz
	mkdir -p .build-fuzz/seeds
	$$fuzzer seeds .build-fuzz/seeds
	# What breaks it is kept where `make test` tries it again.
	for target in $$(ls .build-fuzz/seeds); do
		mkdir -p .build-fuzz/found/$$target Fuzz/Regressions/$$target
		$(SANITIZED) ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 nice $$fuzzer $$target -max_total_time=$(SECONDS) -timeout=5 -rss_limit_mb=256 \
			-print_final_stats=1 -verbosity=0 -artifact_prefix=Fuzz/Regressions/$$target/ \
			.build-fuzz/found/$$target Fuzz/Corpus/$$target .build-fuzz/seeds/$$target </dev/null
		rmdir Fuzz/Regressions/$$target 2>/dev/null || :
	done

constant-time: packages ## count the instructions of a verification, for signatures that differ here or there
	@Benchmarks/constant-time

edge: PACKAGES += python3 nginx haproxy slowhttptest strace wrk openssl
edge: build ## hold the bars of docs/bars.md against a release build, for ten minutes; one of them: make edge BAR=memory
	@$(call hold,leniences desync descriptors certificate-swap tls-throughput memory slow-clients)

durability: PACKAGES += python3 strace sqlite3 libfaketime wrk openssl
durability: build ## hold the bars of docs/durability.md, for half an hour; one of them: make durability BAR=io-errors
	@$(call hold,kills power-cuts io-errors disk-full disk-hangs clock-steps bit-rot forgotten-reader bad-sinks large-store)

crash: build ## kill hookd again and again under load, and look whether it kept its promise; more: make crash CYCLES=1000
	@$(HOOKD) selftest --cycles $(CYCLES)

service: PACKAGES += python3 prometheus openssl strace gcc libseccomp-dev systemd jq curl
service: build ## hold the bars of docs/service-bars.md, for some minutes; one of them: make service BAR=secrets
	@$(call hold,secrets restarts unit monitoring readme)

# How long `make soak` lasts.
MINUTES := 5
soak: PACKAGES += python3
soak: build ## run under load, with faults, for 5 minutes; longer: make soak MINUTES=30
	@Bars/soak --minutes $(MINUTES)

deb: PACKAGES += debhelper devscripts lintian python3
deb: packages ## make a Debian package, and look it over: .build/packages
	@rm -rf .build/packages
	DESTINATION=.build/packages DEB_RULES_REQUIRES_ROOT=no debian/rules binary
	# What gcc can do besides, Swift's compiler cannot: fortified calls, and marks for branches.
	hardening-check --quiet --nofortify --nocfprotection debian/hookd/usr/bin/hookd
	debian/rules clean >/dev/null
	lintian --allow-root --fail-on error,warning .build/packages/hookd_*.deb

test-systemd: PACKAGES += debootstrap systemd-container strace
test-systemd: deb ## install and run the package in a Debian 12 that is booted for it; needs root
	@Tests/Systemd/run

test-image: PACKAGES += debootstrap podman buildah crun python3
test-image: packages ## build the image of the Dockerfile without a registry, and run it; needs root
	@Tests/Image/run

build: packages ## build hookd for use: .build/release/hookd
	@$(tidily)
	swift build -c release --static-swift-stdlib --product hookd

reference: packages ## write hookd.schema.json and the tables of docs/configuration.md anew, from the code
	@$(tidily)
	swift build --product hookd $(STRICT)
	.build/debug/hookd check --schema >hookd.schema.json
	page=$$(sed '/^<!-- The rest is made by/q' docs/configuration.md)
	{ printf '%s\n' "$$page"; .build/debug/hookd check --reference; } >docs/configuration.md

format: ## bring all Swift into the house's format
	@swift format --in-place --recursive Sources Tests Fuzz Benchmarks Package.swift

clean: ## remove what was built, and what make run kept
	@rm -rf .build .build-asan .build-tsan .build-fuzz .build-tree .run

packages: # installs what is missing, and says so
	@if ! command -v swift >/dev/null; then
		echo 'Swift is missing. See https://www.swift.org/install/linux/ for how to install it.' >&2
		exit 1
	fi
	if ! command -v dpkg-query >/dev/null; then
		echo 'This is no Debian: make sure that OpenSSL, systemd, SQLite, libcurl, simdjson and zlib are there with headers.' >&2
		exit 0
	fi
	missing=
	for package in $(PACKAGES); do
		case $$(dpkg-query -W -f '$${Status}' $$package 2>/dev/null) in
		'install ok installed') ;;
		*) missing="$$missing $$package" ;;
		esac
	done
	[ -n "$$missing" ] || exit 0
	if [ "$$(id -u)" -eq 0 ]; then
		sudo=
		echo "Installing Debian packages:$$missing" >&2
	else
		sudo=sudo
		echo "Installing Debian packages, through sudo:$$missing" >&2
	fi
	$$sudo apt-get update -q >&2
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing >&2
