# `make` lists what there is to make. `make test` and `make demo` do all of their own setup and share one debug build.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup toolchain build release test fuzz bench storm sequences demo rig lab lint format install install-files uninstall clean

PREFIX ?= /usr
SYSCONFDIR ?= /etc
DESTDIR ?=

SWIFT ?= swift
SWIFT_SOURCES := Package.swift Sources Tests
RELEASE_FLAGS := -c release --static-swift-stdlib
PACKAGES := libusb-1.0-0-dev libexpat1-dev libsqlite3-dev libxkbcommon-dev xkb-data pkg-config gcc libc6-dev python3 umockdev libumockdev-dev systemd curl

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make demo ONCE=1                     ends by itself, with an exit code"
	@echo "  make install DESTDIR=DIR PREFIX=/usr puts files where a package would"

setup: toolchain ## installs the Debian packages that are missing (as root or with sudo)
	@missing=$$(for p in $(PACKAGES); do \
	    dpkg-query -W -f '$${db:Status-Abbrev}' $$p 2>/dev/null | grep -q '^ii' || echo $$p; done | xargs); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	install="apt-get install -y --no-install-recommends $$missing"; \
	if ! command -v apt-get >/dev/null; then \
	    echo "Missing, by their Debian names: $$missing"; \
	    echo "This is no Debian system: please install their counterparts."; exit 69; \
	elif [ "$$(id -u)" = 0 ]; then run=; \
	elif sudo -n true 2>/dev/null; then run="sudo -n"; \
	else echo "Missing packages. Please run:  sudo $$install"; exit 77; fi; \
	echo "==> installing packages (about half a minute): $$missing"; \
	$$run apt-get update -qq && $$run env DEBIAN_FRONTEND=noninteractive $$install >/dev/null

toolchain:
	@command -v $(SWIFT) >/dev/null || { \
	    echo "The Swift toolchain is missing. Version 6.2 or later is needed; https://www.swift.org/install/linux/ tells how."; \
	    echo "(Where it is installed but not on the PATH: make SWIFT=/path/to/swift ...)"; exit 69; }
	@version=$$($(SWIFT) --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p'); \
	if [ "$$(printf '6.2\n%s\n' "$$version" | sort -V | head -n 1)" != 6.2 ]; then \
	    echo "Swift 6.2 or later is needed; $(SWIFT) is $${version:-of an unknown version}."; exit 69; fi

build: setup ## the debug build (about 6 minutes from nothing on two cores, seconds afterwards)
	@[ -d .build/checkouts ] || echo "==> first build: fetches and compiles the dependencies; about 6 minutes on two cores"
	$(SWIFT) build

rig: setup ## the program that shows simulated USB readers to loyaltyd
	@Tests/rig/build

test: setup ## lint, all tests, and the checks of unit, udev rules and scripts
	@SWIFT=$(SWIFT) Tests/run

fuzz: setup ## every parser of outside bytes under libFuzzer; TARGET=hid-pos RUNS=10000000 for one of them, JOBS=2 at a time
	@SWIFT=$(SWIFT) TARGET="$(TARGET)" RUNS="$(RUNS)" TIME="$(TIME)" JOBS="$(JOBS)" KEEP="$(KEEP)" RESUME="$(RESUME)" Tests/fuzz/run

storm: setup rig ## 1,000 random faults on emulated readers, every card accounted for (about 4 minutes); SEED=N repeats one
	$(SWIFT) build --product reader-probe
	@Tests/rig/storm --faults $(or $(FAULTS),1000) $(if $(SEED),--seed $(SEED)) --program "$$($(SWIFT) build --show-bin-path)/reader-probe"

sequences: build ## 100,000 generated histories of sales, returns, voids, exchanges and redemptions (about 20 minutes); COUNT=N for another number
	$(SWIFT) build --build-tests
	LOYALTYD_HISTORIES=$(or $(COUNT),100000) $(SWIFT) test --skip-build --filter Histories

bench: release ## speed and memory of the release build: sales, members, answers, rules, scans
	@for program in scan-path rule-speed; do $(SWIFT) build $(RELEASE_FLAGS) --product $$program || exit; done
	@BIN=$$($(SWIFT) build $(RELEASE_FLAGS) --show-bin-path) Tests/bench/run

lab: build ## the readers under a real kernel, udev and systemd, in a virtual machine (about 10 minutes the first time)
	@BIN=$$($(SWIFT) build --show-bin-path) SWIFT=$(SWIFT) Tests/lab/run

demo: build rig ## a real day's sales with simulated readers and a local back end; goes on until Ctrl-C
	@ONCE=$(ONCE) Examples/demo/run

lint: toolchain ## swift format, strictly
	$(SWIFT) format lint --strict --parallel --recursive $(SWIFT_SOURCES)

format: toolchain ## formats the sources in place
	$(SWIFT) format format --in-place --parallel --recursive $(SWIFT_SOURCES)

release: setup ## the release build with the Swift runtime inside (about 12 minutes on two cores)
	@for program in loyaltyd loyaltyctl loyaltysim; do \
	    echo "==> $$program"; $(SWIFT) build $(RELEASE_FLAGS) --product $$program || exit; done

install: release ## release build, installed below DESTDIR
	@$(MAKE) --no-print-directory install-files BIN="$$($(SWIFT) build $(RELEASE_FLAGS) --show-bin-path)"

# The same for the programs of another build, which stand in BIN.
install-files:
	@set -e; bin="$(BIN)"; \
	to="$(DESTDIR)$(PREFIX)"; etc="$(DESTDIR)$(SYSCONFDIR)/loyaltyd"; \
	install -D -s -m 755 $$bin/loyaltyd "$$to/sbin/loyaltyd"; \
	for program in loyaltyctl loyaltysim; do \
	    install -D -s -m 755 $$bin/$$program "$$to/bin/$$program"; \
	    $$bin/$$program --generate-completion-script bash | install -D -m 644 /dev/stdin "$$to/share/bash-completion/completions/$$program"; \
	    $$bin/$$program --generate-completion-script zsh | install -D -m 644 /dev/stdin "$$to/share/zsh/vendor-completions/_$$program"; \
	    $$bin/$$program --generate-completion-script fish | install -D -m 644 /dev/stdin "$$to/share/fish/vendor_completions.d/$$program.fish"; \
	done; \
	sed 's|/usr/sbin/loyaltyd|$(PREFIX)/sbin/loyaltyd|' systemd/loyaltyd.service | install -D -m 644 /dev/stdin "$$to/lib/systemd/system/loyaltyd.service"; \
	install -D -m 644 systemd/loyaltyd.sysusers.conf "$$to/lib/sysusers.d/loyaltyd.conf"; \
	for rules in udev/*.rules; do install -D -m 644 $$rules "$$to/lib/udev/rules.d/$$(basename $$rules)"; done; \
	for entries in udev/*.hwdb; do install -D -m 644 $$entries "$$to/lib/udev/hwdb.d/$$(basename $$entries)"; done; \
	install -D -m 644 Examples/loyaltyd.toml "$$to/share/loyaltyd/loyaltyd.toml"; \
	install -D -m 644 Examples/program.toml "$$to/share/loyaltyd/program.toml"; \
	install -d -m 755 "$$etc/loyaltyd.toml.d"; \
	for file in loyaltyd.toml program.toml; do [ -e "$$etc/$$file" ] || install -m 644 Examples/$$file "$$etc/$$file"; done; \
	for page in README.md LICENSE docs/*.md docs/*.json docs/images/*; do install -D -m 644 $$page "$$to/share/doc/loyaltyd/$$page"; done; \
	echo "installed below $$to and $$etc"; \
	if [ -z "$(DESTDIR)" ]; then \
	    echo "next: systemd-sysusers && systemd-hwdb update && udevadm control --reload && udevadm trigger -s usb && systemctl enable --now loyaltyd"; fi

uninstall: ## removes what install put there; configuration and data stay
	@to="$(DESTDIR)$(PREFIX)"; \
	rm -f "$$to"/sbin/loyaltyd "$$to"/bin/loyalty{ctl,sim} "$$to"/lib/systemd/system/loyaltyd.service \
	    "$$to"/lib/sysusers.d/loyaltyd.conf "$$to"/lib/udev/rules.d/{60-loyaltyd-readers,70-loyaltyd}.rules \
	    "$$to"/lib/udev/hwdb.d/61-loyaltyd-readers.hwdb \
	    "$$to"/share/bash-completion/completions/loyalty{ctl,sim} "$$to"/share/zsh/vendor-completions/_loyalty{ctl,sim} \
	    "$$to"/share/fish/vendor_completions.d/loyalty{ctl,sim}.fish; \
	rm -rf "$$to/share/loyaltyd" "$$to/share/doc/loyaltyd"

clean: ## removes the build
	rm -rf .build
