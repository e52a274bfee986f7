#!/bin/sh
# Boot a root folder with systemd as PID 1, in a mount namespace of our own.
#
#   boot.sh NAME LOWER FOLDER [NSPAWN-OPTION…]
#
# LOWER are the folders of an overlay, topmost first, separated by colons; what the host writes
# goes to FOLDER/upper, and what Podman stores to FOLDER/containers (its overlays cannot lie on
# an overlay). The machine's own control groups stay as they are: here alone the second version
# takes their place, which the guest's systemd and crun need, and one group holds the whole host.
set -eu
name=$1 lower=$2 folder=$3
shift 3
umount -R /sys/fs/cgroup 2>/dev/null || : # none, in some containers
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$name"
echo $$ >"/sys/fs/cgroup/$name/cgroup.procs"
# redirect_dir: a folder that came with a lower layer can be renamed, as on a plain file system.
mount -t overlay overlay "$folder/merged" \
    -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work,redirect_dir=on"
for device in /dev/fuse /dev/net/tun; do
    [ ! -e "$device" ] || set -- "$@" "--bind=$device"
done
# bpf: without it IPAddressDeny= and its kind do nothing in the guest, and do not say so.
exec systemd-nspawn --quiet --directory="$folder/merged" --machine="$name" \
    --register=no --keep-unit --boot --console=pipe --notify-ready=yes \
    --capability=all --system-call-filter="bpf keyctl add_key request_key perf_event_open" \
    --resolv-conf=off --timezone=off --link-journal=no \
    --bind="$folder/containers:/var/lib/containers" "$@"
