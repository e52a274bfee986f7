#!/bin/sh
# Run a command in a root folder without writing into it.
#
#   chroot.sh LOWER FOLDER [SOURCE=TARGET…] -- COMMAND [ARGUMENT…]
#
# What is written goes to FOLDER/upper. SOURCE=TARGET shows a file or folder of the machine
# inside; a leading + on TARGET lets the command write there. Runs in a mount and a pid
# namespace of its own (unshare --mount --pid --fork), with which all its mounts end.
set -eu
lower=$1 root=$2/merged
mkdir -p "$2/upper" "$2/work" "$root"
mount -t overlay -o "lowerdir=$lower,upperdir=$2/upper,workdir=$2/work" overlay "$root"
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    source=${1%%=*} target=${1#*=} options=bind,ro
    case $target in
    +*) target=${target#+} options=bind ;;
    esac
    if [ -d "$source" ]; then
        mkdir -p "$root$target"
    else
        mkdir -p "$root${target%/*}"
        rm -f "$root$target"
        : >"$root$target"
    fi
    mount --bind "$source" "$root$target"
    mount -o "remount,$options" "$root$target"
    shift
done
shift
exec chroot "$root" "$@"
