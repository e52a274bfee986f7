#!/bin/sh
# In a chroot of a root folder: build the wheels of all requirements that are arguments.
#
#   wheels.sh "PACKAGE…" REQUIREMENT…      into /wheels, with these Debian packages installed
set -eu
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
apt-get update -qq
# shellcheck disable=SC2086  # a list of package names
apt-get install -y -qq --no-install-recommends $1 >/dev/null
shift
python3 -m venv /tmp/venv
# tpm2-pytss without FAPI, as scripts/prepare has it: FAPI would bring curl, ldap and ssh along.
mkdir /tmp/pkg-config
for part in mu sys esys rc tctildr; do
    ln -s "$(pkg-config --variable=pcfiledir tss2-mu)/tss2-$part.pc" /tmp/pkg-config/
done
PKG_CONFIG_LIBDIR=/tmp/pkg-config /tmp/venv/bin/python -m pip wheel -q --no-cache-dir \
    --use-pep517 --no-binary tpm2-pytss --wheel-dir /wheels "$@"
