#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# The first process of a machine that is to be saved. Other machines use the init of virtme-ng.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t debugfs debug /sys/kernel/debug
ip link set lo up
# Only the stock kernel has modules.
if [ -d /lib/modules/"$(uname -r)" ]; then
	modprobe virtio_pci
	modprobe virtio_console
fi
# Not exec, because this shell reaps orphaned processes.
/bin/lab-agent
echo "ipclab: the agent ended with $?" >/dev/console
poweroff -f
