#!/bin/sh
# In a chroot of a root folder: put Debian's kernel for virtual machines into a folder.
#
#   kernel.sh FOLDER       writes FOLDER/vmlinuz
#
# Not installed: it needs no initrd and none of its modules, and the hosts that share the root
# folder need no kernel.
set -eu
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
apt-get update -qq
package=$(apt-cache depends linux-image-cloud-amd64 |
    sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
cd /tmp
apt-get download -qq -o APT::Sandbox::User=root "$package"
dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x ./boot
mv boot/vmlinuz-* "$1/vmlinuz"
