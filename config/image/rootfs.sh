#!/bin/sh
# Makes the tree of files of the image, as root: the program under all its names, a shell for scripts and health
# checks, and the places of RabbitMQ's image.
#
#   config/image/rootfs.sh PROGRAM DIR       PROGRAM is static; DIR is made
set -eu
program=$1 root=$2
here=$(cd "$(dirname "$0")" && pwd)
busybox=$(command -v busybox)
user=999

mkdir -p "$root"
cd "$root"
mkdir -p bin dev etc/rabbitmq/conf.d opt/rabbitmq/plugins opt/rabbitmq/sbin proc root run sbin sys usr/bin usr/local/bin usr/sbin \
  var/lib/rabbitmq var/log/rabbitmq tmp
chmod 1777 tmp
ln -s opt/rabbitmq/plugins plugins

cp "$busybox" bin/busybox
chroot . /bin/busybox --install -s
cp "$program" usr/local/bin/leveret
chroot . /usr/local/bin/leveret install-links /opt/rabbitmq/sbin
cp "$here/docker-entrypoint.sh" usr/local/bin/docker-entrypoint.sh
chmod 755 usr/local/bin/*

printf '%s\n' root:x:0:0:root:/root:/bin/sh "rabbitmq:x:$user:$user:RabbitMQ:/var/lib/rabbitmq:/bin/sh" >etc/passwd
printf '%s\n' root:x:0: "rabbitmq:x:$user:" >etc/group
# Engines lay their own hosts over this one.
printf '%s\n' '127.0.0.1 localhost' '::1 localhost' >etc/hosts
echo 'hosts: files dns' >etc/nsswitch.conf
cp "$here/10-defaults.conf" etc/rabbitmq/conf.d/
echo '[rabbitmq_management,rabbitmq_prometheus].' >etc/rabbitmq/enabled_plugins
# Others may mount, copy and write there, as in RabbitMQ's image.
chown -R "$user:$user" etc/rabbitmq var/lib/rabbitmq var/log/rabbitmq
chmod 1777 etc/rabbitmq etc/rabbitmq/conf.d var/lib/rabbitmq var/log/rabbitmq
