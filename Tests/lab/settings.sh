# Settings of the lab. Sourced, not run. Everything that is built lives under $LAB_DIR, never in the source tree.
# shellcheck shell=bash disable=SC2034  # used where it is sourced
LAB_DIR=${LAB_DIR:-/var/tmp/lab}
LAB_SUITE=${LAB_SUITE:-bookworm}
LAB_DISK_MB=${LAB_DISK_MB:-2048}

# What a lane's machine has by docs/technician.md, and what the checks need. Keep it small: every unit and every udev rule
# costs boot time in software emulation.
LAB_GUEST_PACKAGES=${LAB_GUEST_PACKAGES:-systemd,systemd-sysv,udev,dbus,kmod,libusb-1.0-0,libsqlite3-0,libstdc++6,zlib1g,libxkbcommon0,xkb-data,libexpat1,usbutils,python3,procps,strace}

# What the machine that runs the lab needs besides.
LAB_HOST_PACKAGES="qemu-system-x86 mmdebstrap e2fsprogs busybox-static cpio kmod python3"

die() { echo "lab: $*" >&2; exit 69; }
say() { echo "lab: $*" >&2; }
