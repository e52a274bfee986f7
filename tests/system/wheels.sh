#!/bin/sh
# In a chroot of a root folder: build all wheels but PSI's own into /wheels, as scripts/wheelhouse
# does for a person, from the checkout in /srv/psi.
#
#   wheels.sh PACKAGE…      with these Debian packages, the compiler, installed first
set -eu
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@" >/dev/null
cp -r /srv/psi /root/psi
/root/psi/scripts/wheelhouse /wheels
rm /wheels/psi_suite-*.whl
