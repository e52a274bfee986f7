#!/bin/sh
# Make a disk of ext4 from the layers of a host.
#
#   disk.sh LAYERS FOLDER DISK SIZE     LAYERS: topmost first, separated by colons
#
# FOLDER/upper lies above the layers. Runs in a mount namespace of its own, with which its mount
# ends; nothing else is mounted in the tree, since mke2fs would copy that too.
set -eu
mkdir -p "$2/work" "$2/merged"
mount -t overlay overlay "$2/merged" -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work"
chroot "$2/merged" /usr/bin/python3 -m compileall -q /usr/lib/psi-test
exec mke2fs -q -t ext4 -m 0 -d "$2/merged" "$3" "$4"
